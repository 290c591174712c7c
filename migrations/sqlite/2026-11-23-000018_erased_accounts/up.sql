-- Accounts that were erased: a number and a moment, so that a person who was forgotten does not come back with the
-- next import, and so that the audit log may forget the person's clients before their time.
CREATE TABLE erased_accounts (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER erased_accounts_no_update BEFORE UPDATE ON erased_accounts
BEGIN
    SELECT RAISE(ABORT, 'erased_accounts is append-only');
END;

CREATE TRIGGER erased_accounts_no_delete BEFORE DELETE ON erased_accounts
BEGIN
    SELECT RAISE(ABORT, 'erased_accounts is append-only');
END;

-- Nobody who is there was erased; and REPLACE deletes without the delete trigger, so refuse what it would hit.
CREATE TRIGGER erased_accounts_no_replace BEFORE INSERT ON erased_accounts
WHEN EXISTS (SELECT 1 FROM users WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM erased_accounts WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the account is not erased, or was before');
END;

-- What people did to others, to find all entries of one person.
CREATE INDEX audit_events_actor ON audit_events (actor) WHERE actor IS NOT NULL AND actor IS NOT subject;

-- The client of somebody who was erased goes at once, that of others when it is old.
DROP TRIGGER audit_events_no_update;
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
WHEN NOT (NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.tenant = OLD.tenant AND NEW.event = OLD.event
    AND NEW.outcome = OLD.outcome AND NEW.actor IS OLD.actor AND NEW.subject IS OLD.subject
    AND NEW.session IS OLD.session AND NEW.request_id IS OLD.request_id AND NEW.details = OLD.details
    AND NEW.user_agent IS NULL AND (OLD.at < (unixepoch() - 6 * 86400) * 1000000
        OR EXISTS (SELECT 1 FROM erased_accounts WHERE id = coalesce(OLD.actor, OLD.subject))))
BEGIN
    SELECT RAISE(ABORT, 'audit_events is append-only');
END;

DROP TRIGGER audit_chain_no_update;
CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain
WHEN NOT (NEW.position = OLD.position AND NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.hash = OLD.hash
    AND NEW.client IS OLD.client AND NEW.salt IS NULL AND (OLD.at < (unixepoch() - 6 * 86400) * 1000000
        OR EXISTS (SELECT 1 FROM erased_accounts WHERE id =
            (SELECT coalesce(actor, subject) FROM audit_events WHERE seq = OLD.seq))))
BEGIN
    SELECT RAISE(ABORT, 'audit_chain is append-only');
END;
