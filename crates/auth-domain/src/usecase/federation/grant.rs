//! What the provider is asked with later, and how it is kept.

use zeroize::Zeroizing;

use crate::{
    id::IdentityId,
    port::{BoxError, ProviderAccessToken, ProviderLogin, ProviderRefreshToken, SecretBox},
    secret::Sealed,
    usecase::{Core, Fault},
    user::LinkedIdentity,
};

/// A refresh token of the provider, and the name it goes with.
pub(super) struct Grant {
    username: String,
    token: ProviderRefreshToken,
}

impl Grant {
    pub(super) fn of(login: &ProviderLogin) -> Self {
        Self { username: login.user.username.clone(), token: login.refresh.clone() }
    }

    /// Seals the grant for one link: it opens for no other.
    pub(super) fn seal(&self, id: IdentityId, secret_box: &dyn SecretBox) -> Result<Sealed, BoxError> {
        if self.username.contains('\n') {
            return Err(BoxError);
        }
        let plain = Zeroizing::new(format!("{}\n{}", self.username, self.token.expose_secret()));
        secret_box.seal(&grant_context(id), plain.as_bytes())
    }

    /// Opens the grant of a link; `None` if it has none, or none that can be read any more.
    pub(super) fn open(identity: &LinkedIdentity, secret_box: &dyn SecretBox) -> Option<Self> {
        let plain = secret_box.open(&grant_context(identity.id), identity.grant.as_ref()?).ok()?;
        let (username, token) = std::str::from_utf8(&plain).ok()?.split_once('\n')?;
        Some(Self { username: username.to_owned(), token: ProviderRefreshToken::new(token.to_owned()) })
    }
}

/// The context in which the grant of a link is sealed.
pub(in crate::usecase) fn grant_context(id: IdentityId) -> String {
    format!("linked_identities|grant_sealed|{id}")
}

impl Core {
    /// An access token of the provider, for calls in the name of a linked person.
    pub(super) async fn refresh_grant(&self, grant: &Grant) -> Result<ProviderAccessToken, Fault> {
        let provider = self.provider()?;
        Ok(provider.sign_in.refresh(&grant.username, &grant.token).await?)
    }
}
