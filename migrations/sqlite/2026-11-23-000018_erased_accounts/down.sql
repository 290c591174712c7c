DROP TRIGGER audit_chain_no_update;
CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain
WHEN NOT (NEW.position = OLD.position AND NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.hash = OLD.hash
    AND NEW.client IS OLD.client AND NEW.salt IS NULL AND OLD.at < (unixepoch() - 6 * 86400) * 1000000)
BEGIN
    SELECT RAISE(ABORT, 'audit_chain is append-only');
END;

DROP TRIGGER audit_events_no_update;
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN NOT (NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.tenant = OLD.tenant AND NEW.event = OLD.event
    AND NEW.outcome = OLD.outcome AND NEW.actor IS OLD.actor AND NEW.subject IS OLD.subject
    AND NEW.session IS OLD.session AND NEW.request_id IS OLD.request_id AND NEW.details = OLD.details
    AND NEW.user_agent IS NULL AND OLD.at < (unixepoch() - 6 * 86400) * 1000000)
BEGIN
    SELECT RAISE(ABORT, 'audit_events is append-only');
END;

DROP INDEX audit_events_actor;
DROP TABLE erased_accounts;
