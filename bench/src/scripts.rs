//! What clients say. No two requests of a scenario have the same body, where it has one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    driver::people::PASSWORD,
    load::{Script, get, member, post},
};

/// Far apart, so that neighbours in time are no neighbours in the store; prime, so that everybody has a turn.
const STRIDE: usize = 7919;

/// The address of a person who was loaded in bulk.
pub(crate) fn email(number: usize) -> String {
    format!("bulk{number}@example.com")
}

/// Signs one person after the other in. Every `wrong`th password is wrong; 0 for none.
pub(crate) fn logins(clients: usize, people: usize, wrong: usize) -> Vec<Script> {
    let count = Arc::new(AtomicUsize::new(0));
    let one = |_| {
        let count = Arc::clone(&count);
        Box::new(move |_: &str| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let is_wrong = wrong > 0 && number % wrong == wrong - 1;
            let person = number * STRIDE % people + 1;
            if is_wrong { login_with(&email(person), "!") } else { login(&email(person)) }
        }) as Script
    };
    (0..clients).map(one).collect()
}

/// Signs somebody in.
pub(crate) fn login(email: &str) -> String {
    login_with(email, "")
}

fn login_with(email: &str, slip: &str) -> String {
    let body = format!("{{\"email\":\"{email}\",\"password\":\"{PASSWORD}{slip}\"}}");
    post("/api/auth/login", &body)
}

/// Registers one new person after the other.
pub(crate) fn registrations(clients: usize) -> Vec<Script> {
    let count = Arc::new(AtomicUsize::new(0));
    let one = |_| {
        let count = Arc::clone(&count);
        Box::new(move |_: &str| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let body =
                format!("{{\"email\":\"new{number}@example.com\",\"password\":\"{PASSWORD}{number}\"}}");
            post("/api/auth/register", &body)
        }) as Script
    };
    (0..clients).map(one).collect()
}

/// Asks for `path` with each of these tokens in turn: each client has a share of its own.
pub(crate) fn reads(path: &'static str, clients: usize, tokens: &[String]) -> Vec<Script> {
    let share = tokens.len().div_ceil(clients).max(1);
    let one = |share: &[String]| {
        let requests: Vec<String> = share.iter().map(|token| get(path, token)).collect();
        let mut next = 0;
        Box::new(move |_: &str| {
            next += 1;
            requests[next % requests.len()].clone()
        }) as Script
    };
    tokens.chunks(share).map(one).collect()
}

/// Refreshes chains of tokens, each with what the last answer gave.
pub(crate) fn chains(first: Vec<String>) -> Vec<Script> {
    let one = |mut token: String| {
        Box::new(move |answer: &str| {
            if let Some(next) = member(answer, "refresh_token") {
                next.clone_into(&mut token);
            }
            refresh(&token)
        }) as Script
    };
    first.into_iter().map(one).collect()
}

pub(crate) fn refresh(token: &str) -> String {
    post("/api/auth/refresh", &format!("{{\"refresh_token\":\"{token}\"}}"))
}

pub(crate) fn plain(clients: usize) -> Vec<Script> {
    (0..clients).map(|_| Box::new(|_: &str| get("/", "none")) as Script).collect()
}
