//! The capturing sender keeps the contract of its ports, and the letters read as they should.

mod codes;
mod folder;
mod notices;
mod restart;
mod smtp;
mod support;

mod mailbox {
    auth_testkit::mailbox_contract!(super::support::Kept::new);
}

mod capturing {
    auth_testkit::mailer_contract!(super::support::Kept::new);
}

mod capturing_sms {
    auth_testkit::sms_contract!(super::support::Kept::new);
}
