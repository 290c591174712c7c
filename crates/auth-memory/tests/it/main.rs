//! The adapters keep the contracts of their ports.

use auth_memory::{MemoryChallenges, MemoryCodes, MemoryLedger, MemoryLimiter};

mod limiter {
    auth_testkit::limiter_contract!(super::MemoryLimiter::new);
}

mod codes {
    auth_testkit::codes_contract!(super::MemoryCodes::new);
}

mod challenges {
    auth_testkit::challenges_contract!(super::MemoryChallenges::new);
}

mod ledger {
    auth_testkit::ledger_contract!(super::MemoryLedger::new);
}
