//! The capturing sender keeps the contract of its ports, and the letters read as they should.

mod notices;
mod restart;
mod support;

mod mailbox {
    auth_testkit::mailbox_contract!(super::support::Kept::new);
}
