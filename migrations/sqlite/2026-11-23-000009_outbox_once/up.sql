-- Who is to get what, why and in which minute: of equal messages only one waits, so that a double click
-- sends one. A dead letter gives its place up, a message handed over is gone.
ALTER TABLE outbox ADD COLUMN once BLOB CHECK (length(once) = 32);
CREATE UNIQUE INDEX outbox_once ON outbox (once);

-- Dead letters in the order in which operators page through them.
CREATE INDEX outbox_dead ON outbox (id) WHERE buried_at IS NOT NULL;
