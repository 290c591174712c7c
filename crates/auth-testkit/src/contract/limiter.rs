//! Contract of the limiter ports.
