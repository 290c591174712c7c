DELETE FROM one_time_links WHERE purpose = 'unlock';
ALTER TABLE one_time_links DROP CONSTRAINT one_time_links_purpose_check;
ALTER TABLE one_time_links ADD CONSTRAINT one_time_links_purpose_check
    CHECK (purpose IN ('verify_email', 'change_email', 'reset_password'));
DROP TABLE known_devices;
