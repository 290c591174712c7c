//! The port of the ledger of text messages.

use std::time::Duration;

use async_trait::async_trait;
use auth_domain::port::{LedgerError, SmsLedger};
use chrono::{DateTime, Utc};

use crate::{script::Arg, state::RedisState, window::Window};

#[async_trait]
impl SmsLedger for RedisState {
    async fn add(
        &self,
        key: &str,
        by: u32,
        window: Duration,
        now: DateTime<Utc>,
    ) -> Result<u32, LedgerError> {
        let window = Window::around(now, window);
        let args = [Arg::Number(by.into()), Arg::Number(window.ttl_millis())];
        let count: u64 = self
            .run(&self.scripts.add, &self.name_in_window("ledger", key, &window), &args)
            .await
            .map_err(|failure| LedgerError { source: failure.into() })?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}
