CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    authenticated_at INTEGER NOT NULL,
    methods TEXT NOT NULL, -- RFC 8176 names, separated by a space
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT CHECK (
        end_reason IN (
            'logout', 'revoked', 'token_reuse', 'password_changed', 'email_changed', 'account_closed',
            'evicted', 'recovered'
        )
    ),
    ip TEXT,
    user_agent TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;

CREATE INDEX sessions_open ON sessions (user_id, created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- One row per token. The primary key is what lets exactly one of many parallel refreshes win.
CREATE TABLE refresh_tokens (
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL CHECK (generation >= 0),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    minted_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, generation)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX refresh_tokens_digest ON refresh_tokens (digest);
