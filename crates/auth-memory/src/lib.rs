//! Short-lived state kept in the process: rate limits.
