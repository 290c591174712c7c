DROP INDEX outbox_dead;
DROP INDEX outbox_once;
ALTER TABLE outbox DROP COLUMN once;
