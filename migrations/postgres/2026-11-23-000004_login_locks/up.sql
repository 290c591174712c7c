-- The key is a keyed hash of an identifier: the table names nobody.
CREATE TABLE login_locks (
    key bytea PRIMARY KEY CHECK (length(key) = 32),
    failures bigint NOT NULL CHECK (failures >= 0),
    locked_until timestamptz,
    last_attempt_at timestamptz NOT NULL
);

CREATE INDEX login_locks_age ON login_locks (last_attempt_at);
