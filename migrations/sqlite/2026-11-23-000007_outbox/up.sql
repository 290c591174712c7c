-- An intent, never a token and never a text: a copy of this table contains no working link.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id INTEGER,
    kind TEXT NOT NULL,
    email TEXT,
    ip TEXT,
    user_agent TEXT,
    request_id TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    leased_until INTEGER,
    buried_at INTEGER, -- a dead letter
    last_error TEXT
) STRICT;

CREATE INDEX outbox_waiting ON outbox (due_at) WHERE buried_at IS NULL;
CREATE INDEX outbox_buried ON outbox (buried_at) WHERE buried_at IS NOT NULL;
