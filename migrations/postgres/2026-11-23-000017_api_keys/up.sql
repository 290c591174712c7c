-- Keys of programs. 256 random bits each: a plain hash is enough.
CREATE TABLE api_keys (
    id bigint PRIMARY KEY,
    tenant text NOT NULL CHECK (tenant <> ''),
    user_id bigint REFERENCES users (id), -- NULL for the key of a service, which belongs to the tenant
    made_by bigint NOT NULL, -- an account that may be gone
    name text NOT NULL CHECK (name <> ''),
    prefix text NOT NULL CHECK (length(prefix) = 11), -- shown
    digest bytea NOT NULL CHECK (length(digest) = 32),
    scopes text NOT NULL CHECK (scopes <> ''), -- separated by a space
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
) WITH (fillfactor = 85); -- to note a use changes no index

CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);
CREATE INDEX api_keys_person ON api_keys (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX api_keys_services ON api_keys (tenant, id) WHERE user_id IS NULL;
CREATE INDEX api_keys_expiry ON api_keys (expires_at);
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
