//! Passwords that somebody handed out, on their way to their owner.
//!
//! They travel in the outbox, sealed for one message, with the digest of the hash that was stored for them:
//! a password that was replaced before its mail left is not sent any more.

use zeroize::Zeroizing;

use super::{Core, Fault};
use crate::{
    id::OutboxId,
    outbox::Intent,
    secret::{Digest, Sealed},
    user::{Credential, Password, User},
};

impl Core {
    /// Seals a password for the message that hands it out.
    pub(super) fn seal_handed_out(
        &self,
        message: OutboxId,
        credential: &Credential,
        password: &Password,
    ) -> Result<Sealed, Fault> {
        let mut plain = Zeroizing::new(of(credential).as_bytes().to_vec());
        plain.extend(password.expose_secret().as_bytes());
        Ok(self.ports.secret_box.seal(&Intent::sealing_context(message), &plain)?)
    }

    /// The password that a message hands out; `None` if it is not the one of `user` any more.
    pub(super) fn open_handed_out(
        &self,
        message: OutboxId,
        sealed: &Sealed,
        user: &User,
    ) -> Result<Option<Password>, Fault> {
        let plain = self.ports.secret_box.open(&Intent::sealing_context(message), sealed)?;
        let Some((digest, password)) = plain.split_first_chunk::<32>() else { return Ok(None) };
        let present = user.credential.as_ref().map(of);
        if present != Some(Digest::from_bytes(*digest)) {
            return Ok(None);
        }
        Ok(std::str::from_utf8(password).ok().map(|text| Password::new(text.to_owned())))
    }
}

fn of(credential: &Credential) -> Digest {
    Digest::of(credential.hash.as_str().as_bytes())
}
