-- Which second factors an account has, in its own row: a login learns of them without a further question.
-- Constant defaults: no row is rewritten.
ALTER TABLE users
    ADD COLUMN totp boolean NOT NULL DEFAULT false,
    ADD COLUMN sms_enabled boolean NOT NULL DEFAULT false,
    ADD COLUMN phone_number text CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$'), -- the proved one, in E.164 form
    ADD COLUMN phone_pending text -- waits for its proof, while the factor is on
        CHECK (phone_pending IS NULL OR (phone_pending ~ '^\+[1-9][0-9]{6,14}$' AND sms_enabled)),
    ADD COLUMN email_factor boolean NOT NULL DEFAULT false;

CREATE TABLE totp_secrets (
    user_id bigint PRIMARY KEY REFERENCES users (id),
    secret bytea, -- sealed; useless without the key of the server
    last_step bigint CHECK (last_step IS NULL OR secret IS NOT NULL), -- of the code accepted last
    pending bytea, -- sealed; was shown and waits for its first code
    pending_since timestamptz,
    CHECK ((pending IS NULL) = (pending_since IS NULL)),
    CHECK (secret IS NOT NULL OR pending IS NOT NULL)
) WITH (fillfactor = 85); -- a login changes no index

-- 120 random bits each: a plain hash is enough.
CREATE TABLE recovery_codes (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    user_id bigint NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX recovery_codes_owner ON recovery_codes (user_id);

-- Devices that proved a second factor a moment ago.
CREATE TABLE trusted_devices (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    method text NOT NULL CHECK (method IN ('otp', 'sms', 'email', 'recovery')),
    ip text,
    user_agent text,
    platform text,
    verified_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX trusted_devices_fingerprint ON trusted_devices (user_id, fingerprint);
CREATE INDEX trusted_devices_newest ON trusted_devices (user_id, verified_at, id);
CREATE INDEX trusted_devices_expiry ON trusted_devices (expires_at);
