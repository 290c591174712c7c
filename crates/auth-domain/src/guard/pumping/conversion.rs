//! Conversion: of the codes sent to a range of numbers, how many come back.

/// When a prefix is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversionPolicy {
    /// Messages that are judged together.
    pub batch: u32,
    /// How many in a hundred of them must have led to a verification.
    pub percent: u32,
}

impl Default for ConversionPolicy {
    /// 20 % of 50.
    fn default() -> Self {
        Self { batch: 50, percent: 20 }
    }
}

impl ConversionPolicy {
    /// The number of the batch that is judged after `sent` messages; `None` while the first still runs.
    pub(super) const fn judged_batch(self, sent: u32) -> Option<u32> {
        match sent.checked_div(self.batch) {
            None | Some(0) => None,
            Some(full) => Some(full - 1),
        }
    }

    /// The number of the batch that a verification counts for: that of the message sent last.
    pub(super) const fn running_batch(self, sent: u32) -> u32 {
        match sent.saturating_sub(1).checked_div(self.batch) {
            None => 0,
            Some(batch) => batch,
        }
    }
}

/// Whether a prefix may get another message.
///
/// `sent` is how many it got in this window, `verified` how many verifications the last full batch saw.
/// Real people type their codes in; a pumper's do not. A blocked prefix is free again when late
/// verifications lift its batch, or with the next window.
pub const fn converts(sent: u32, verified: u32, policy: ConversionPolicy) -> bool {
    let needed = policy.batch as u64 * policy.percent as u64;
    policy.judged_batch(sent).is_none() || verified as u64 * 100 >= needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_batch_is_not_judged_while_it_runs() {
        let policy = ConversionPolicy::default();
        assert!((0..50).all(|sent| converts(sent, 0, policy)));
        assert!((50..200).all(|sent| !converts(sent, 0, policy)));
    }

    #[test]
    fn a_fifth_must_come_back() {
        let policy = ConversionPolicy::default();
        assert!(!converts(50, 9, policy));
        assert!(converts(50, 10, policy));
        assert!(converts(u32::MAX, u32::MAX, policy));
    }

    #[test]
    fn verifications_count_for_the_batch_of_the_last_message() {
        let policy = ConversionPolicy::default();
        for (sent, running, judged) in [
            (0, 0, None),
            (1, 0, None),
            (50, 0, Some(0)),
            (51, 1, Some(0)),
            (100, 1, Some(1)),
            (101, 2, Some(1)),
        ] {
            assert_eq!((policy.running_batch(sent), policy.judged_batch(sent)), (running, judged), "{sent}");
        }
    }

    #[test]
    fn a_batch_of_nothing_blocks_nobody() {
        let off = ConversionPolicy { batch: 0, percent: 100 };
        assert!(converts(1_000, 0, off));
        assert_eq!(off.running_batch(1_000), 0);
    }
}
