-- Devices that accounts signed in from. 256 random bits each: a plain hash is enough.
CREATE TABLE known_devices (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    recent_failures INTEGER NOT NULL CHECK (recent_failures >= 0 AND recent_failures <= failures),
    last_attempt_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX known_devices_newest ON known_devices (user_id, last_used_at);
CREATE INDEX known_devices_expiry ON known_devices (expires_at);

-- Mailed links that open a locked account: the table anew, with one purpose more.
ALTER TABLE one_time_links RENAME TO old_links;
CREATE TABLE one_time_links (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    tenant TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'change_email', 'reset_password', 'unlock')),
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO one_time_links SELECT digest, tenant, user_id, purpose, email, created_at, expires_at, consumed_at
    FROM old_links;
DROP TABLE old_links;

CREATE INDEX one_time_links_unused ON one_time_links (user_id, purpose) WHERE consumed_at IS NULL;
CREATE INDEX one_time_links_consumed ON one_time_links (consumed_at) WHERE consumed_at IS NOT NULL;
CREATE INDEX one_time_links_expiry ON one_time_links (expires_at);
