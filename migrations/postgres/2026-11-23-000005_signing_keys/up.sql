CREATE TABLE signing_keys (
    id text PRIMARY KEY, -- RFC 7638 thumbprint
    algorithm text NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256', 'HS256')),
    private bytea NOT NULL, -- sealed; useless without the key of the server
    public_jwk text NOT NULL,
    created_at timestamptz NOT NULL,
    activates_at timestamptz NOT NULL,
    retires_at timestamptz
);
