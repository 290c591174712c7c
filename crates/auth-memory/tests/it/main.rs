//! The adapters keep the contracts of their ports.

use auth_memory::{MemoryLedger, MemoryLimiter};

mod limiter {
    auth_testkit::limiter_contract!(super::MemoryLimiter::new);
}

mod ledger {
    auth_testkit::ledger_contract!(super::MemoryLedger::new);
}
