-- When a second factor was proved last, apart from when the login was. A session that was open before tells
-- of none, so that what asks for a fresh one asks again.
ALTER TABLE sessions ADD COLUMN second_factor_at INTEGER;
