//! A new secret of the server: what the former one sealed stays of use.

use std::path::Path;

use reqwest::StatusCode;
use tempfile::TempDir;
use tokio::task::block_in_place;

use super::{asks, login_with, take_app};
use crate::harness::{Api, PASSWORD, process::Process};

const OLD: &str = "q3Vn0c8yT5kL2mR7xW9bZ4fH6jP1sD0a";
const NEW: &str = "M8tY2uK5vB9nQ4wE7rX1cJ6gL3hF0zSd";

fn start(directory: &Path, secrets: &[(&str, &str)]) -> Process {
    let settings = [&[("MFA_DEVICE_BYPASS_MINUTES", "0")], secrets].concat();
    block_in_place(|| Process::start(directory, &settings))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_outlive_a_change_of_the_secret() {
    let (directory, email) = (TempDir::new().expect("a temporary directory"), "ada@example.com");
    let mut server = start(directory.path(), &[("SECRET_KEY", OLD)]);
    let api = Api::at(server.base());
    let (mut app, _) = take_app(&api, &api.signed_in(email).await).await;
    block_in_place(|| server.stop());

    let server = start(directory.path(), &[("SECRET_KEY", NEW), ("SECRET_KEY_FORMER", OLD)]);
    let api = Api::at(server.base());
    asks(&api.login(email, PASSWORD).await, "TOTP code required", "TOTP", "TOTP");
    let tokens = login_with(&api, email, &app.code()).await.tokens();
    api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
}
