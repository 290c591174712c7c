-- The chain over the audit log: one link per entry, written a moment after it.
CREATE TABLE audit_chain (
    position bigint PRIMARY KEY CHECK (position > 0),
    seq bigint NOT NULL UNIQUE, -- the entry it covers
    at timestamptz NOT NULL, -- when that happened
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    client bytea CHECK (octet_length(client) = 32), -- what it says about the client, without naming it
    salt bytea CHECK (salt IS NULL OR (octet_length(salt) = 16 AND client IS NOT NULL)) -- what proves that; erased with the client
);

CREATE INDEX audit_chain_at ON audit_chain (at, position);
CREATE INDEX audit_chain_salted ON audit_chain (at, position) WHERE salt IS NOT NULL;

-- Signed statements about how far the chain was.
CREATE TABLE audit_checkpoints (
    number bigint PRIMARY KEY CHECK (number > 0),
    kind text NOT NULL CHECK (kind IN ('regular', 'pruned')),
    position bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    at timestamptz NOT NULL,
    key bytea NOT NULL CHECK (octet_length(key) = 32), -- the public one
    signature bytea NOT NULL CHECK (octet_length(signature) = 64)
);

CREATE INDEX audit_checkpoints_kind ON audit_checkpoints (kind, position);

-- Nothing of an entry changes but its client, which is erased when it is old: the device goes, and the address
-- becomes that of its network. Not in the last six days, whoever does it. (Installations keep seven or more; the
-- day between is for clocks that differ.)
DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only
BEFORE UPDATE OF seq, at, tenant, event, outcome, actor, subject, session, request_id, details OR TRUNCATE
ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;

CREATE FUNCTION audit_events_keep_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.user_agent IS NULL AND OLD.at < now() - interval '6 days' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only';
END
$$;

CREATE TRIGGER audit_events_keep_client BEFORE UPDATE OF ip, user_agent ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_keep_client();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_keep_client;

CREATE FUNCTION audit_chain_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;

-- Of a link only the salt goes, with the client.
CREATE TRIGGER audit_chain_append_only
BEFORE UPDATE OF position, seq, at, hash, client OR TRUNCATE
ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_chain_refuse();
ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER audit_chain_append_only;

CREATE FUNCTION audit_chain_keep_salt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.salt IS NULL AND OLD.at < now() - interval '6 days' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_chain is append-only';
END
$$;

CREATE TRIGGER audit_chain_keep_salt BEFORE UPDATE OF salt ON audit_chain
FOR EACH ROW EXECUTE FUNCTION audit_chain_keep_salt();
ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER audit_chain_keep_salt;

-- A link goes when its entry is gone, and that goes by age.
CREATE FUNCTION audit_chain_keep_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM audit_events WHERE seq = OLD.seq) THEN
        RAISE EXCEPTION 'audit_chain is append-only';
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER audit_chain_keep_link BEFORE DELETE ON audit_chain
FOR EACH ROW EXECUTE FUNCTION audit_chain_keep_link();
ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER audit_chain_keep_link;

CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR TRUNCATE ON audit_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION audit_chain_refuse();
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER audit_checkpoints_append_only;

-- A checkpoint goes when what it is about was pruned.
CREATE FUNCTION audit_checkpoints_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.position < (SELECT max(position) FROM audit_checkpoints WHERE kind = 'pruned') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_checkpoints is append-only';
END
$$;

CREATE TRIGGER audit_checkpoints_keep BEFORE DELETE ON audit_checkpoints
FOR EACH ROW EXECUTE FUNCTION audit_checkpoints_keep();
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER audit_checkpoints_keep;
