CREATE TABLE one_time_links (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    tenant TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'change_email', 'reset_password')),
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX one_time_links_unused ON one_time_links (user_id, purpose) WHERE consumed_at IS NULL;
CREATE INDEX one_time_links_consumed ON one_time_links (consumed_at) WHERE consumed_at IS NOT NULL;
CREATE INDEX one_time_links_expiry ON one_time_links (expires_at);
