//! Contract suites for every port, fakes, builders and mocks.
#![warn(missing_docs)]

pub mod builder;
pub mod contract;
pub mod fake;
pub mod part;

pub use auth_domain::port as mock;
