//! `GET /dev/mailbox` (a page), `GET` and `DELETE /dev/messages`: what the server would have sent, for
//! people without a mail server. Never mounted in production.

use std::fmt::Write as _;

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Json},
};
use auth_domain::port::{CapturedMessage, Channel, Mailbox, MailboxFilter};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    FieldError, Gate, Limit, Operation, Problem,
    body::{BodyKind, Fields, Input, NoBody, Refused},
    extract::Open,
    operation::InputDoc,
    page::{Page, escaped},
    time::wire_time,
};

/// A message that was captured instead of sent.
#[derive(Serialize, ToSchema)]
#[schema(as = CapturedMessage)]
struct MessageView {
    id: i64,
    #[schema(example = "email")]
    channel: &'static str,
    to: String,
    subject: String,
    text: String,
    html: String,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<CapturedMessage> for MessageView {
    fn from(message: CapturedMessage) -> Self {
        Self {
            id: message.id,
            channel: message.channel.as_str(),
            to: message.to,
            subject: message.subject,
            text: message.text,
            html: message.html,
            created_at: wire_time(message.created_at),
        }
    }
}

#[derive(Debug)]
struct Query(MailboxFilter);

impl Input for Query {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let to = fields.query("to");
        let channel = match fields.query("channel")?.as_deref() {
            None | Some("") => Ok(None),
            Some("email") => Ok(Some(Channel::Email)),
            Some("sms") => Ok(Some(Channel::Sms)),
            Some(_) => Err(fields.refuse(FieldError::value("query", "channel", "Channel is email or sms"))),
        };
        Ok(Self(MailboxFilter { to: to?.filter(|to| !to.is_empty()), channel: channel? }))
    }

    fn describe(doc: &mut InputDoc) {
        doc.query::<String>("to", false, "Only messages to this address or number");
        doc.query::<String>("channel", false, "`email` or `sms`");
    }
}

pub(super) fn list() -> Operation {
    Operation::get("/dev/messages", handle_list)
        .tag("development")
        .summary("Lists captured messages, newest first")
        .limit(Limit::Exempt)
        .answers_list::<MessageView>(200, "The messages")
}

async fn handle_list(
    request: Open<Query>,
    mailbox: Data<dyn Mailbox>,
) -> Result<Json<Vec<MessageView>>, Problem> {
    let messages = mailbox.list(&request.body.0).await?;
    Ok(Json(messages.into_iter().map(MessageView::from).collect()))
}

pub(super) fn clear() -> Operation {
    Operation::delete("/dev/messages", handle_clear)
        .tag("development")
        .summary("Forgets all captured messages")
        .limit(Limit::Exempt)
        .answers_nothing(204, "They are forgotten")
}

async fn handle_clear(_: Open<NoBody>, mailbox: Data<dyn Mailbox>) -> Result<HttpResponse, Problem> {
    mailbox.clear().await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

pub(super) fn page() -> Operation {
    Operation::get("/dev/mailbox", handle_page).limit(Limit::Exempt).hidden()
}

async fn handle_page(
    request: Open<Query>,
    mailbox: Data<dyn Mailbox>,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let messages = mailbox.list(&request.body.0).await?;
    let page = Page::begin(&*gate.entropy)?;
    let html = render(&messages, page.nonce());
    page.respond(html)
}

const STYLE: &str = include_str!("dev_mailbox.css");

fn render(messages: &[CapturedMessage], nonce: &str) -> String {
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <meta http-equiv=refresh content=5><title>Dev mailbox</title><style nonce='{nonce}'>{STYLE}</style>\
         <h1>Dev mailbox</h1><p class=hint>What this server would have sent, newest first. The page reloads \
         every five seconds; <a href='/dev/messages'>the same as JSON</a>.</p>"
    );
    if messages.is_empty() {
        html.push_str("<p class=empty>Nothing was sent yet. Register an account and look again.</p>");
    }
    for message in messages {
        // Writing to a String cannot fail.
        let _ = write!(
            html,
            "<article><header><b>{}</b><span>{} to {}</span><time>{}</time></header><pre>{}</pre></article>",
            escaped(if message.subject.is_empty() { "Text message" } else { &message.subject }),
            message.channel.as_str(),
            escaped(&message.to),
            wire_time(message.created_at),
            linked(&message.text),
        );
    }
    html.push_str("</html>");
    html
}

/// The text, made safe, with its links made clickable.
fn linked(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    for word in text.split_inclusive(char::is_whitespace) {
        let url = word.trim_end();
        if url.starts_with("http://") || url.starts_with("https://") {
            let safe = escaped(url);
            // Writing to a String cannot fail.
            let _ = write!(html, "<a href=\"{safe}\">{safe}</a>{}", &word[url.len()..]);
        } else {
            html.push_str(&escaped(word));
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn what_a_message_says_cannot_become_part_of_the_page() {
        let message = CapturedMessage {
            id: 1,
            channel: Channel::Email,
            to: "<b>@example.com".to_owned(),
            subject: "<script>alert(1)</script>".to_owned(),
            text: "see https://x.example/?a=\"><script> or <img src=x>".to_owned(),
            html: "<script>".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        };
        let html = render(&[message], "n");
        assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
        assert!(html.contains("<a href=\"https://x.example/?a=&quot;&gt;&lt;script&gt;\">"), "{html}");
    }
}
