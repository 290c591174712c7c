-- A sealed value begins with five bytes that name the key. What a key still holds is counted and found by
-- them, at every start and when the secret changes, however many accounts there are.
CREATE INDEX totp_secrets_sealed ON totp_secrets (substr(secret, 1, 5), user_id) WHERE secret IS NOT NULL;
CREATE INDEX totp_secrets_pending_sealed ON totp_secrets (substr(pending, 1, 5), user_id)
    WHERE pending IS NOT NULL;
