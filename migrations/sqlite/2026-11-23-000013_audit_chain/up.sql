-- The chain over the audit log: one link per entry, written a moment after it.
CREATE TABLE audit_chain (
    position INTEGER PRIMARY KEY CHECK (position > 0),
    seq INTEGER NOT NULL UNIQUE, -- the entry it covers
    at INTEGER NOT NULL, -- when that happened
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    client BLOB CHECK (length(client) = 32), -- what it says about the client, without naming it
    salt BLOB CHECK (salt IS NULL OR (length(salt) = 16 AND client IS NOT NULL)) -- what proves that; erased with the client
) STRICT;

CREATE INDEX audit_chain_at ON audit_chain (at);
CREATE INDEX audit_chain_salted ON audit_chain (at) WHERE salt IS NOT NULL;

-- Signed statements about how far the chain was.
CREATE TABLE audit_checkpoints (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    kind TEXT NOT NULL CHECK (kind IN ('regular', 'pruned')),
    position INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    at INTEGER NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32), -- the public one
    signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

CREATE INDEX audit_checkpoints_kind ON audit_checkpoints (kind, position);

-- Nothing of an entry changes but its client, which is erased when it is old: the device goes, and the address
-- becomes that of its network. Not in the last six days, whoever does it. (Installations keep seven or more; the
-- day between is for clocks that differ.)
DROP TRIGGER audit_events_no_update;
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN NOT (NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.tenant = OLD.tenant AND NEW.event = OLD.event
    AND NEW.outcome = OLD.outcome AND NEW.actor IS OLD.actor AND NEW.subject IS OLD.subject
    AND NEW.session IS OLD.session AND NEW.request_id IS OLD.request_id AND NEW.details = OLD.details
    AND NEW.user_agent IS NULL AND OLD.at < (unixepoch() - 6 * 86400) * 1000000)
BEGIN
    SELECT RAISE(ABORT, 'audit_events is append-only');
END;

-- Of a link only the salt goes, with the client.
CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain
WHEN NOT (NEW.position = OLD.position AND NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.hash = OLD.hash
    AND NEW.client IS OLD.client AND NEW.salt IS NULL AND OLD.at < (unixepoch() - 6 * 86400) * 1000000)
BEGIN
    SELECT RAISE(ABORT, 'audit_chain is append-only');
END;

-- A link goes when its entry is gone, and that goes by age.
CREATE TRIGGER audit_chain_no_delete BEFORE DELETE ON audit_chain
WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = OLD.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_chain is append-only');
END;

-- REPLACE deletes without the delete trigger, so refuse what it would hit.
CREATE TRIGGER audit_chain_no_replace BEFORE INSERT ON audit_chain
WHEN EXISTS (SELECT 1 FROM audit_chain WHERE position = NEW.position)
    OR EXISTS (SELECT 1 FROM audit_chain WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_chain is append-only');
END;

CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;

-- A checkpoint goes when what it is about was pruned.
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
WHEN NOT coalesce(OLD.position < (SELECT max(position) FROM audit_checkpoints WHERE kind = 'pruned'), 0)
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;

CREATE TRIGGER audit_checkpoints_no_replace BEFORE INSERT ON audit_checkpoints
WHEN EXISTS (SELECT 1 FROM audit_checkpoints WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
