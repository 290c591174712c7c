//! The port of one-time codes on maps in memory.

use std::fmt;

use async_trait::async_trait;
use auth_domain::port::{CodeMac, CodeSlot, CodeStore, CodeStoreError, Redemption, StoredCode};
use chrono::{DateTime, Utc};

use crate::expiring::{Expiring, Fate};

/// Keeps one-time codes in this process.
///
/// Exact: a slot is looked at and changed under one lock. A user has few slots, so the number of codes
/// is bounded by the users who asked for one within the life of a code; expired ones are swept.
pub struct MemoryCodes {
    codes: Expiring<CodeSlot, Waiting>,
}

struct Waiting {
    mac: CodeMac,
    tries: u32,
}

impl MemoryCodes {
    /// A store without codes.
    pub fn new() -> Self {
        Self { codes: Expiring::new() }
    }
}

impl Default for MemoryCodes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCodes").finish_non_exhaustive()
    }
}

#[async_trait]
impl CodeStore for MemoryCodes {
    async fn put(&self, slot: CodeSlot, code: &StoredCode, now: DateTime<Utc>) -> Result<(), CodeStoreError> {
        if code.tries == 0 {
            self.codes.remove(&slot);
        } else {
            let waiting = Waiting { mac: code.mac, tries: code.tries };
            self.codes.put(slot, waiting, code.expires_at, now);
        }
        Ok(())
    }

    async fn redeem(
        &self,
        slot: CodeSlot,
        answer: &CodeMac,
        now: DateTime<Utc>,
    ) -> Result<Redemption, CodeStoreError> {
        Ok(self.codes.look(&slot, now, |code| judge(code, answer)).unwrap_or(Redemption::Absent))
    }

    async fn discard(&self, slot: CodeSlot) -> Result<(), CodeStoreError> {
        self.codes.remove(&slot);
        Ok(())
    }
}

/// Counts an answer and compares it, in constant time.
fn judge(code: &mut Waiting, answer: &CodeMac) -> (Redemption, Fate) {
    if code.mac == *answer {
        return (Redemption::Accepted, Fate::Gone);
    }
    // A waiting code has a try left: `put` keeps none without, and the last one removes it.
    code.tries = code.tries.saturating_sub(1);
    let fate = if code.tries == 0 { Fate::Gone } else { Fate::Kept };
    (Redemption::Wrong { tries_left: code.tries }, fate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_codes() {
        assert_eq!(format!("{:?}", MemoryCodes::new()), "MemoryCodes { .. }");
    }
}
