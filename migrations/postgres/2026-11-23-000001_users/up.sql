-- A tenant is a name, not a row.
CREATE TABLE users (
    id bigint PRIMARY KEY,
    tenant text NOT NULL,
    email text NOT NULL, -- canonical form only
    email_verified boolean NOT NULL,
    full_name text,
    status text NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'pending', 'deleted')),
    superuser boolean NOT NULL,
    application_admin boolean NOT NULL,
    manager boolean NOT NULL,
    password_hash text,
    temporary_until timestamptz CHECK (temporary_until IS NULL OR password_hash IS NOT NULL),
    last_login_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 85); -- room for new versions of a row on its own page: a login changes no index

-- Parallel registrations of one address make one account because of this.
CREATE UNIQUE INDEX users_address ON users (tenant, email);
