DROP TABLE audit_checkpoints;
DROP TABLE audit_chain;
DROP FUNCTION audit_checkpoints_keep;
DROP FUNCTION audit_chain_keep_link;
DROP FUNCTION audit_chain_keep_salt;
DROP FUNCTION audit_chain_refuse;
DROP TRIGGER audit_events_keep_client ON audit_events;
DROP FUNCTION audit_events_keep_client;
DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;
