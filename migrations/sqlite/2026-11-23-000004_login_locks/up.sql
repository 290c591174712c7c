-- The key is a keyed hash of an identifier: the table names nobody.
CREATE TABLE login_locks (
    key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    failures INTEGER NOT NULL CHECK (failures >= 0),
    locked_until INTEGER,
    last_attempt_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_locks_age ON login_locks (last_attempt_at);
