//! Guards against guessing, and against sending text messages for somebody else's profit.

pub mod lockout;
pub mod pumping;
