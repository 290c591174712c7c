CREATE TABLE one_time_links (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    tenant text NOT NULL,
    user_id bigint NOT NULL REFERENCES users (id),
    purpose text NOT NULL CHECK (purpose IN ('verify_email', 'change_email', 'reset_password')),
    email text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz
);

-- Unique: of parallel links for one purpose one is left, whoever wrote them.
CREATE UNIQUE INDEX one_time_links_unused ON one_time_links (user_id, purpose) WHERE consumed_at IS NULL;
CREATE INDEX one_time_links_consumed ON one_time_links (consumed_at) WHERE consumed_at IS NOT NULL;
CREATE INDEX one_time_links_expiry ON one_time_links (expires_at);
