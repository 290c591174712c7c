//! Mail: templates and the capturing transport behind the development mailbox.
