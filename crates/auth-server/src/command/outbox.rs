//! `auth-server outbox list`, `outbox retry` and `outbox drop`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]
#![expect(clippy::print_stderr, reason = "keeps hints out of what a program may read")]

mod table;

use anyhow::Context as _;
use auth_domain::{
    outbox::{OutboxEntry, OutboxItem, OutboxState},
    usecase::MessageError,
};

use crate::{
    cli::{DropMessage, ListMessages, RetryMessages},
    wire::Wiring,
};

/// Dead letters read at once by `retry --all-dead`.
const PAGE: u32 = 100;

/// Lists messages, oldest first.
pub(super) async fn list(wiring: &Wiring, options: &ListMessages) -> anyhow::Result<()> {
    let state = if options.dead { OutboxState::Dead } else { OutboxState::Waiting };
    let entries = wiring
        .engine
        .messages
        .list(state, options.after, options.limit)
        .await
        .context("cannot list the messages")?;
    if options.json {
        println!("{:#}", table::json(&entries));
    } else if entries.is_empty() {
        println!("{}", if options.dead { "no message was given up" } else { "no message waits" });
    } else {
        print!("{}", table::text(&entries, wiring.clock.now()));
    }
    if let Some(last) = entries.last().filter(|_| u32::try_from(entries.len()) == Ok(options.limit)) {
        eprintln!("There may be more: add --after {}", last.item.id);
    }
    Ok(())
}

/// Has messages tried again at once.
pub(super) async fn retry(wiring: &Wiring, options: &RetryMessages) -> anyhow::Result<()> {
    let Some(id) = options.which.id else { return retry_all_dead(wiring).await };
    match wiring.engine.messages.retry(id).await {
        Ok(item) => {
            println!("{} is due now; a running server sends it within a second", named(&item));
            Ok(())
        }
        Err(error @ MessageError::PastUse) => Err(anyhow::Error::from(error)
            .context(format!("{id} is not tried again; `auth-server outbox drop {id}` deletes it"))),
        Err(error) => Err(error.into()),
    }
}

async fn retry_all_dead(wiring: &Wiring) -> anyhow::Result<()> {
    let messages = &wiring.engine.messages;
    let (mut retried, mut past_use, mut after) = (0_u64, 0_u64, None);
    loop {
        let page: Vec<OutboxEntry> = messages
            .list(OutboxState::Dead, after, PAGE)
            .await
            .with_context(|| format!("{retried} messages are due now; cannot list the rest"))?;
        let Some(last) = page.last() else { break };
        after = Some(last.item.id);
        for entry in page {
            match messages.retry(entry.item.id).await {
                Ok(_) => retried += 1,
                Err(MessageError::PastUse) => past_use += 1,
                // Somebody else was quicker.
                Err(MessageError::NotFound) => {}
                Err(error) => {
                    let done = format!("{retried} messages are due now; cannot go on");
                    return Err(anyhow::Error::from(error).context(done));
                }
            }
        }
    }
    println!("{} due now", counted(retried));
    if past_use > 0 {
        println!("{} past their use stay where they are; drop them, or let time do so", counted(past_use));
    }
    Ok(())
}

/// Deletes a message unsent.
pub(super) async fn drop(wiring: &Wiring, options: &DropMessage) -> anyhow::Result<()> {
    let item = wiring.engine.messages.discard(options.id).await?;
    println!("{} is deleted and will not be sent", named(&item));
    Ok(())
}

fn named(item: &OutboxItem) -> String {
    format!("{} ({})", item.id, item.intent.kind())
}

fn counted(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}
