//! People who have accounts.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use super::client::{Answer, Client};

pub(crate) const PASSWORD: &str = "Tr0ubadour&Zebra";
/// Registered at once: each costs a hash, and more would be turned away.
const AT_ONCE: usize = 16;

/// A pair of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Registers these addresses, and proves them where `verified`.
pub(crate) async fn register(server: SocketAddr, emails: &[String], verified: bool) {
    for batch in emails.chunks(AT_ONCE) {
        let mut tasks = JoinSet::new();
        for (number, email) in (0..).zip(batch.iter().cloned()) {
            tasks.spawn(async move {
                let mut client = Client::number(server, number);
                let body = json!({"email": email, "password": PASSWORD});
                expect(201, client.post("/api/auth/register", &body).await);
                if verified {
                    let token = mailed_token(&mut client, &email).await;
                    expect(200, client.post("/api/auth/verify-email", &json!({"token": token})).await);
                }
            });
        }
        tasks.join_all().await;
    }
}

/// Signs in.
pub(crate) async fn sign_in(client: &mut Client, email: &str) -> Tokens {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = expect(200, client.post("/api/auth/login", &body).await);
    tokens(&answer).expect("a pair of tokens")
}

pub(crate) fn tokens(answer: &Answer) -> Option<Tokens> {
    Some(Tokens { access: answer.text("access_token")?, refresh: answer.text("refresh_token")? })
}

/// The token of the link that proves `email`, from the dev mailbox.
async fn mailed_token(client: &mut Client, email: &str) -> String {
    for _ in 0..400 {
        let answer = expect(200, client.get(&format!("/dev/messages?to={email}"), "").await);
        let messages: Vec<Value> = serde_json::from_str(&answer.body).expect("a list of messages");
        let mut texts = messages.iter().filter_map(|message| message["text"].as_str());
        if let Some((_, rest)) = texts.find_map(|text| text.split_once("/verify-email?token=")) {
            return rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        }
        sleep(Duration::from_millis(25)).await;
    }
    panic!("no mail came to {email}");
}

/// The answer, which must have this status.
pub(crate) fn expect(status: u16, answer: std::io::Result<Answer>) -> Answer {
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, status, "{answer:?}");
    answer
}
