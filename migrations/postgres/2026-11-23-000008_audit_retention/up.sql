-- The log stays append-only, but not for ever: what is older than the horizon may be deleted. The horizon
-- only moves forward, and never over the last 29 days, whoever moves it. (Installations keep 30 days or
-- more; the day between is for clocks that differ.)
CREATE TABLE audit_retention (
    one bigint PRIMARY KEY CHECK (one = 1),
    horizon timestamptz NOT NULL
);

INSERT INTO audit_retention VALUES (1, '-infinity');

CREATE FUNCTION audit_retention_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_retention has one row';
END
$$;

CREATE FUNCTION audit_retention_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.horizon < OLD.horizon OR NEW.horizon > now() - interval '29 days' THEN
        RAISE EXCEPTION 'the horizon of audit_events moves forward, to 29 days ago at most';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER audit_retention_one_row BEFORE INSERT OR DELETE OR TRUNCATE ON audit_retention
FOR EACH STATEMENT EXECUTE FUNCTION audit_retention_refuse();
ALTER TABLE audit_retention ENABLE ALWAYS TRIGGER audit_retention_one_row;

CREATE TRIGGER audit_retention_forward BEFORE UPDATE ON audit_retention
FOR EACH ROW EXECUTE FUNCTION audit_retention_forward();
ALTER TABLE audit_retention ENABLE ALWAYS TRIGGER audit_retention_forward;

-- A horizon that is missing lets nothing pass.
CREATE FUNCTION audit_events_refuse_young() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.at < (SELECT horizon FROM audit_retention WHERE one = 1) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only';
END
$$;

DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;

CREATE TRIGGER audit_events_keep_young BEFORE DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_refuse_young();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_keep_young;

-- Entries are old by their time, not by their position: clocks are set back, and entries that come from
-- another store bring old positions along.
CREATE INDEX audit_events_at ON audit_events (at, seq);
