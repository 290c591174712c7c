-- The log stays append-only, but not for ever: what is older than the horizon may be deleted. The horizon
-- only moves forward, and never over the last 29 days, whoever moves it. (Installations keep 30 days or
-- more; the day between is for clocks that differ.)
CREATE TABLE audit_retention (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    horizon INTEGER NOT NULL
) STRICT;

INSERT INTO audit_retention VALUES (1, -9223372036854775808);

-- The only row stays the only one; REPLACE would delete it without the delete trigger.
CREATE TRIGGER audit_retention_no_insert BEFORE INSERT ON audit_retention
BEGIN
    SELECT RAISE(ABORT, 'audit_retention has one row');
END;

CREATE TRIGGER audit_retention_no_delete BEFORE DELETE ON audit_retention
BEGIN
    SELECT RAISE(ABORT, 'audit_retention has one row');
END;

CREATE TRIGGER audit_retention_forward BEFORE UPDATE ON audit_retention
WHEN NEW.horizon < OLD.horizon OR NEW.horizon > (unixepoch() - 29 * 86400) * 1000000
BEGIN
    SELECT RAISE(ABORT, 'the horizon of audit_events moves forward, to 29 days ago at most');
END;

-- A horizon that is missing lets nothing pass.
DROP TRIGGER audit_events_no_delete;
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
WHEN NOT coalesce(OLD.at < (SELECT horizon FROM audit_retention WHERE one = 1), 0)
BEGIN
    SELECT RAISE(ABORT, 'audit_events is append-only');
END;

-- Entries are old by their time, not by their position: clocks are set back, and entries that come from
-- another store bring old positions along.
CREATE INDEX audit_events_at ON audit_events (at);
