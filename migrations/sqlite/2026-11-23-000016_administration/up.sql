-- People who run the server page through accounts: those of a tenant, those of them not in use, and those whose
-- address or name begins with something. Letters of a name are compared without their case, ASCII only.
CREATE INDEX users_tenant ON users (tenant);
CREATE INDEX users_unusual ON users (tenant) WHERE status <> 'active';
CREATE INDEX users_email ON users (email);
CREATE INDEX users_name ON users (lower(full_name));

-- The last superuser stays: whoever takes one away looks at all of them.
CREATE INDEX users_superusers ON users (id) WHERE superuser = 1 AND status = 'active';

-- The sessions of an account that are over. A login does not touch this index.
CREATE INDEX sessions_closed ON sessions (user_id, ended_at) WHERE ended_at IS NOT NULL;

-- What a message must carry and nobody may read: a password that somebody handed out.
ALTER TABLE outbox ADD COLUMN sealed BLOB;
CREATE INDEX outbox_sealed ON outbox (substr(sealed, 1, 5), id) WHERE sealed IS NOT NULL;
