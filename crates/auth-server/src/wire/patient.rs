//! Hashing for requests whose clients may go away.

use std::sync::Arc;

use async_trait::async_trait;
use auth_crypto::Argon2Hasher;
use auth_domain::{
    port::{HashError, HashPlace, PasswordHasher, Strength, Verification},
    user::{NewPassword, Password, PasswordHash},
};
use auth_http::nobody_waits;

/// Gives a hash up when nobody waits for the answer any more. The operation itself goes on, and takes back what it
/// has counted.
pub(super) struct PatientHasher(pub(super) Arc<Argon2Hasher>);

async fn unless_gone<T>(work: impl Future<Output = Result<T, HashError>>) -> Result<T, HashError> {
    tokio::select! {
        // What was computed counts, whoever has gone meanwhile.
        biased;
        result = work => result,
        () = nobody_waits() => Err(HashError::Abandoned),
    }
}

#[async_trait]
impl PasswordHasher for PatientHasher {
    fn take_place(&self) -> Result<HashPlace, HashError> {
        self.0.take_place()
    }

    fn check(&self, hash: &PasswordHash) -> Result<(), HashError> {
        self.0.check(hash)
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashError> {
        unless_gone(self.0.hash(password)).await
    }

    async fn rehash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        unless_gone(self.0.rehash(password)).await
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        unless_gone(self.0.verify(password, hash)).await
    }

    async fn strength(&self, password: &NewPassword, context: &[String]) -> Result<Strength, HashError> {
        unless_gone(self.0.strength(password, context)).await
    }
}
