//! No gate: a build without `actix-governor`.

use actix_web::{middleware::Identity, web::Data};

use crate::app::Gate;

/// Lets everything through.
#[derive(Clone)]
pub(crate) struct Edge;

impl Edge {
    pub(crate) fn new(_: &Data<Gate>) -> Self {
        Self
    }

    /// The layer of one worker.
    #[expect(clippy::unused_self, reason = "the gate that counts needs it")]
    pub(crate) fn layer(&self) -> Identity {
        Identity::default()
    }

    /// There is nothing to forget.
    pub(crate) async fn forget_the_quiet(&self) {
        std::future::pending::<()>().await;
    }
}
