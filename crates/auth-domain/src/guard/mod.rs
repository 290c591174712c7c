//! Guards against guessing.

mod degrading;
pub mod lockout;

pub use degrading::{DegradingLimiter, LimiterMode, LimiterWatch};
