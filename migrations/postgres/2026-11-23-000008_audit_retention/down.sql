DROP INDEX audit_events_at;
DROP TRIGGER audit_events_keep_young ON audit_events;
DROP TRIGGER audit_events_append_only ON audit_events;
DROP FUNCTION audit_events_refuse_young;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only;
DROP TABLE audit_retention;
DROP FUNCTION audit_retention_forward;
DROP FUNCTION audit_retention_refuse;
