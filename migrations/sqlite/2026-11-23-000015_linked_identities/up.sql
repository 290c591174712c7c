-- Accounts of providers that sign people in to accounts of ours. Who is meant say issuer and subject, never
-- an address.
CREATE TABLE linked_identities (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    issuer TEXT NOT NULL CHECK (issuer <> ''),
    subject TEXT NOT NULL CHECK (subject <> ''),
    linked_at INTEGER NOT NULL,
    proved_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    grant_sealed BLOB, -- sealed; what the provider is asked with whether it stands by the account
    migrated BLOB CHECK (length(migrated) = 32), -- of the password taken from the provider
    leased_until INTEGER -- somebody is asking
) STRICT;

-- Parallel first logins of one person make one link because of these.
CREATE UNIQUE INDEX linked_identities_subject ON linked_identities (issuer, subject);
CREATE UNIQUE INDEX linked_identities_owner ON linked_identities (user_id, issuer);
CREATE INDEX linked_identities_due ON linked_identities (issuer, checked_at, id) WHERE grant_sealed IS NOT NULL;

-- What a key still holds is counted and found by the five bytes that name it.
CREATE INDEX linked_identities_sealed ON linked_identities (substr(grant_sealed, 1, 5), id)
    WHERE grant_sealed IS NOT NULL;
