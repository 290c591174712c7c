-- An intent, never a token and never a text: a copy of this table contains no working link.
CREATE TABLE outbox (
    id bigint PRIMARY KEY,
    tenant text NOT NULL,
    user_id bigint,
    kind text NOT NULL,
    email text,
    ip text,
    user_agent text,
    request_id text,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts bigint NOT NULL CHECK (attempts >= 0),
    leased_until timestamptz,
    buried_at timestamptz, -- a dead letter
    last_error text
);

CREATE INDEX outbox_waiting ON outbox (due_at, id) WHERE buried_at IS NULL;
CREATE INDEX outbox_buried ON outbox (buried_at) WHERE buried_at IS NOT NULL;
