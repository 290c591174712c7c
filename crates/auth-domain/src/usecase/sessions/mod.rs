//! Sessions: kept alive, shown, ended.

mod check;
mod logout;
mod manage;
mod recover;
mod refresh;

use std::sync::Arc;

pub use check::{Extended, SessionCheckError, SessionFilter};
pub use logout::{Logout, LogoutError};
pub use manage::RevokeError;
pub use refresh::RefreshError;

use super::Core;

/// What is done with sessions.
#[derive(Clone)]
pub struct Sessions {
    core: Arc<Core>,
}

impl Sessions {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}
