CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY, -- RFC 7638 thumbprint
    algorithm TEXT NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256', 'HS256')),
    private BLOB NOT NULL, -- sealed; useless without the key of the server
    public_jwk TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    retires_at INTEGER
) STRICT;
