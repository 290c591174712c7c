-- Ids only, and no foreign keys: an entry outlives what it is about.
CREATE TABLE audit_events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- a position is never given out twice
    at timestamptz NOT NULL,
    tenant text NOT NULL,
    event text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('success', 'failure')),
    actor bigint,
    subject bigint,
    session bigint,
    ip text,
    user_agent text,
    request_id text,
    details json NOT NULL -- [["key", "value"], …], kept as it was written
);

-- Each index ends in seq: the newest entries of a filter are read without a sort.
CREATE INDEX audit_events_subject ON audit_events (subject, seq) WHERE subject IS NOT NULL;
CREATE INDEX audit_events_event ON audit_events (event, seq);
CREATE INDEX audit_events_tenant ON audit_events (tenant, seq);

CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only';
END
$$;

-- ALWAYS: also for those who call themselves a replica to get around triggers.
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;
