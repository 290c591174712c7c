DROP TABLE trusted_devices;
DROP TABLE recovery_codes;
DROP TABLE totp_secrets;
ALTER TABLE users DROP COLUMN email_factor;
ALTER TABLE users DROP COLUMN phone_pending;
ALTER TABLE users DROP COLUMN phone_number;
ALTER TABLE users DROP COLUMN sms_enabled;
ALTER TABLE users DROP COLUMN totp;
