//! Settings: what holds, where from, and what stops the start.

mod cognito;
mod files;
mod layers;
mod production;
mod sms;
mod values;

use auth_server::settings::settings_reference;

use crate::support::assert_file;

#[test]
fn the_settings_page_is_the_one_of_the_code() {
    assert_file("docs/settings.md", &settings_reference());
}
