-- Ids only, and no foreign keys: an entry outlives what it is about.
CREATE TABLE audit_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- a position is never given out twice
    at INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'failure')),
    actor INTEGER,
    subject INTEGER,
    session INTEGER,
    ip TEXT,
    user_agent TEXT,
    request_id TEXT,
    details TEXT NOT NULL CHECK (json_valid(details)) -- [["key", "value"], …], in order
) STRICT;

-- Each index ends in the rowid, which is seq: the newest entries of a filter are read without a sort.
CREATE INDEX audit_events_subject ON audit_events (subject) WHERE subject IS NOT NULL;
CREATE INDEX audit_events_event ON audit_events (event);
CREATE INDEX audit_events_tenant ON audit_events (tenant);

CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit_events is append-only');
END;

CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit_events is append-only');
END;

-- REPLACE deletes without the delete trigger (recursive_triggers is off), so refuse what it would hit.
CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_events is append-only');
END;
