-- Keys of programs. 256 random bits each: a plain hash is enough.
CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL CHECK (tenant <> ''),
    user_id INTEGER REFERENCES users (id), -- NULL for the key of a service, which belongs to the tenant
    made_by INTEGER NOT NULL, -- an account that may be gone
    name TEXT NOT NULL CHECK (name <> ''),
    prefix TEXT NOT NULL CHECK (length(prefix) = 11), -- shown
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    scopes TEXT NOT NULL CHECK (scopes <> ''), -- separated by a space
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);
CREATE INDEX api_keys_person ON api_keys (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX api_keys_services ON api_keys (tenant, id) WHERE user_id IS NULL;
CREATE INDEX api_keys_expiry ON api_keys (expires_at);
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
