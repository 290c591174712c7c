ALTER TABLE one_time_links RENAME TO old_links;
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

INSERT INTO one_time_links SELECT digest, tenant, user_id, purpose, email, created_at, expires_at, consumed_at
    FROM old_links
    WHERE purpose <> 'unlock';
DROP TABLE old_links;

CREATE INDEX one_time_links_unused ON one_time_links (user_id, purpose) WHERE consumed_at IS NULL;
CREATE INDEX one_time_links_consumed ON one_time_links (consumed_at) WHERE consumed_at IS NOT NULL;
CREATE INDEX one_time_links_expiry ON one_time_links (expires_at);
DROP TABLE known_devices;
