//! Guards against guessing, and against sending text messages for somebody else's profit.

mod degrading;
pub mod known_device;
pub mod lockout;
pub mod pumping;

pub use degrading::{DegradingLimiter, LimiterMode, LimiterWatch};
