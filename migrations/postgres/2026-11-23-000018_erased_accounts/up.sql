-- Accounts that were erased: a number and a moment, so that a person who was forgotten does not come back with the
-- next import, and so that the audit log may forget the person's clients before their time.
CREATE TABLE erased_accounts (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL
);

CREATE FUNCTION erased_accounts_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'erased_accounts is append-only';
END
$$;

CREATE TRIGGER erased_accounts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erased_accounts
FOR EACH STATEMENT EXECUTE FUNCTION erased_accounts_refuse();
ALTER TABLE erased_accounts ENABLE ALWAYS TRIGGER erased_accounts_append_only;

-- Nobody who is there was erased.
CREATE FUNCTION erased_accounts_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM users WHERE id = NEW.id) THEN
        RAISE EXCEPTION 'the account is not erased';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER erased_accounts_check BEFORE INSERT ON erased_accounts
FOR EACH ROW EXECUTE FUNCTION erased_accounts_check();
ALTER TABLE erased_accounts ENABLE ALWAYS TRIGGER erased_accounts_check;

-- What people did to others, to find all entries of one person.
CREATE INDEX audit_events_actor ON audit_events (actor) WHERE actor IS DISTINCT FROM subject AND actor IS NOT NULL;

-- The client of somebody who was erased goes at once, that of others when it is old.
CREATE OR REPLACE FUNCTION audit_events_keep_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.user_agent IS NULL AND (OLD.at < now() - interval '6 days'
        OR EXISTS (SELECT 1 FROM erased_accounts WHERE id = coalesce(OLD.actor, OLD.subject))) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only';
END
$$;

CREATE OR REPLACE FUNCTION audit_chain_keep_salt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.salt IS NULL AND (OLD.at < now() - interval '6 days'
        OR EXISTS (SELECT 1 FROM audit_events e JOIN erased_accounts a ON a.id = coalesce(e.actor, e.subject)
            WHERE e.seq = OLD.seq)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_chain is append-only';
END
$$;
