//! Guards against guessing.

pub mod lockout;
