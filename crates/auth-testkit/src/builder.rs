//! Entities for tests, complete with sensible defaults.
