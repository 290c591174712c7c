-- Times are microseconds since 1970, in UTC. A tenant is a name, not a row.
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    email TEXT NOT NULL, -- canonical form only
    email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    full_name TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'pending', 'deleted')),
    superuser INTEGER NOT NULL CHECK (superuser IN (0, 1)),
    application_admin INTEGER NOT NULL CHECK (application_admin IN (0, 1)),
    manager INTEGER NOT NULL CHECK (manager IN (0, 1)),
    password_hash TEXT,
    temporary_until INTEGER CHECK (temporary_until IS NULL OR password_hash IS NOT NULL),
    last_login_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Parallel registrations of one address make one account because of this.
CREATE UNIQUE INDEX users_address ON users (tenant, email);
