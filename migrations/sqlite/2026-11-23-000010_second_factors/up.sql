-- Which second factors an account has, in its own row: a login learns of them without a further question.
ALTER TABLE users ADD COLUMN totp INTEGER NOT NULL DEFAULT 0 CHECK (totp IN (0, 1));
ALTER TABLE users ADD COLUMN sms_enabled INTEGER NOT NULL DEFAULT 0 CHECK (sms_enabled IN (0, 1));
ALTER TABLE users ADD COLUMN phone_number TEXT CHECK ( -- the proved one, in E.164 form
    phone_number GLOB '+[1-9]*' AND substr(phone_number, 2) NOT GLOB '*[^0-9]*'
    AND length(phone_number) BETWEEN 8 AND 16
);
ALTER TABLE users ADD COLUMN phone_pending TEXT CHECK ( -- waits for its proof, while the factor is on
    phone_pending IS NULL OR phone_pending GLOB '+[1-9]*' AND substr(phone_pending, 2) NOT GLOB '*[^0-9]*'
    AND length(phone_pending) BETWEEN 8 AND 16 AND sms_enabled
);
ALTER TABLE users ADD COLUMN email_factor INTEGER NOT NULL DEFAULT 0 CHECK (email_factor IN (0, 1));

CREATE TABLE totp_secrets (
    user_id INTEGER PRIMARY KEY REFERENCES users (id),
    secret BLOB, -- sealed; useless without the key of the server
    last_step INTEGER CHECK (last_step IS NULL OR secret IS NOT NULL), -- of the code accepted last
    pending BLOB, -- sealed; was shown and waits for its first code
    pending_since INTEGER,
    CHECK ((pending IS NULL) = (pending_since IS NULL)),
    CHECK (secret IS NOT NULL OR pending IS NOT NULL)
) STRICT;

-- 120 random bits each: a plain hash is enough.
CREATE TABLE recovery_codes (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX recovery_codes_owner ON recovery_codes (user_id);

-- Devices that proved a second factor a moment ago.
CREATE TABLE trusted_devices (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    method TEXT NOT NULL CHECK (method IN ('otp', 'sms', 'email', 'recovery')),
    ip TEXT,
    user_agent TEXT,
    platform TEXT,
    verified_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX trusted_devices_fingerprint ON trusted_devices (user_id, fingerprint);
CREATE INDEX trusted_devices_newest ON trusted_devices (user_id, verified_at);
CREATE INDEX trusted_devices_expiry ON trusted_devices (expires_at);
