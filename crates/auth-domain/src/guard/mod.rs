//! Guards against guessing, against waiting for what does not answer, and against sending text messages for somebody else's profit.

mod breaker;
mod degrading;
pub mod known_device;
pub mod lockout;
pub mod pumping;

#[cfg(any(test, feature = "mock"))]
pub use breaker::MockBreakerWatch;
pub use breaker::{Breaker, BreakerChange, BreakerConfig, BreakerPermit, BreakerWatch, Resting};
pub use degrading::{DegradingLimiter, LimiterMode, LimiterWatch};
