DROP INDEX totp_secrets_pending_sealed;
DROP INDEX totp_secrets_sealed;
