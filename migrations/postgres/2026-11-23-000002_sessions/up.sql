CREATE TABLE sessions (
    id bigint PRIMARY KEY,
    tenant text NOT NULL,
    user_id bigint NOT NULL REFERENCES users (id),
    authenticated_at timestamptz NOT NULL,
    methods text NOT NULL, -- RFC 8176 names, separated by a space
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CHECK (
        end_reason IN (
            'logout', 'revoked', 'token_reuse', 'password_changed', 'email_changed', 'account_closed',
            'evicted', 'recovered'
        )
    ),
    ip text,
    user_agent text,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 85); -- a refresh changes no index

CREATE INDEX sessions_open ON sessions (user_id, created_at, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- One row per token. The primary key is what lets exactly one of many parallel refreshes win.
CREATE TABLE refresh_tokens (
    session_id bigint NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    generation bigint NOT NULL CHECK (generation >= 0),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    salt bytea NOT NULL CHECK (length(salt) = 16),
    minted_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, generation)
);

CREATE UNIQUE INDEX refresh_tokens_digest ON refresh_tokens (digest);
