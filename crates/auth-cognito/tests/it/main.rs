//! The adapter keeps the contract of its ports against two mocks of AWS, and bears a failing Cognito.

mod cognito_local;
mod failing;
mod keys;
mod moto;
mod requests;
mod signer;
mod stub;
mod tokens;
