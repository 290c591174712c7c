CREATE OR REPLACE FUNCTION audit_chain_keep_salt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.salt IS NULL AND OLD.at < now() - interval '6 days' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_chain is append-only';
END
$$;

CREATE OR REPLACE FUNCTION audit_events_keep_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.user_agent IS NULL AND OLD.at < now() - interval '6 days' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only';
END
$$;

DROP INDEX audit_events_actor;
DROP TABLE erased_accounts;
DROP FUNCTION erased_accounts_check;
DROP FUNCTION erased_accounts_refuse;
