-- Devices that accounts signed in from. 256 random bits each: a plain hash is enough.
CREATE TABLE known_devices (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    user_id bigint NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    failures bigint NOT NULL CHECK (failures >= 0),
    recent_failures bigint NOT NULL CHECK (recent_failures >= 0 AND recent_failures <= failures),
    last_attempt_at timestamptz
);

CREATE INDEX known_devices_newest ON known_devices (user_id, last_used_at, digest);
CREATE INDEX known_devices_expiry ON known_devices (expires_at);

-- Mailed links that open a locked account.
ALTER TABLE one_time_links DROP CONSTRAINT one_time_links_purpose_check;
ALTER TABLE one_time_links ADD CONSTRAINT one_time_links_purpose_check
    CHECK (purpose IN ('verify_email', 'change_email', 'reset_password', 'unlock'));
