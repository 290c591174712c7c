//! Contract of the mailbox ports.
