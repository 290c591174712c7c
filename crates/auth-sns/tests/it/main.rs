//! The sender keeps the contract of its port against a mock of AWS, and bears a failing SNS.

mod failing;
mod moto;
mod stub;
