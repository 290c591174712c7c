//! The limiter keeps the contract of its port.

use auth_memory::MemoryLimiter;

mod limiter {
    auth_testkit::limiter_contract!(super::MemoryLimiter::new);
}
