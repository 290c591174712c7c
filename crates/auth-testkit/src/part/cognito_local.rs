//! Another stand-in for AWS Cognito, which checks what `moto` takes unseen.

use std::{
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::{Daemon, Part, PoolKind, UserPool, free_port};

/// The mock `cognito-local` on the loopback.
#[derive(Debug)]
pub struct CognitoLocal {
    port: u16,
    _daemon: Daemon,
}

impl CognitoLocal {
    /// The code in every message it sends.
    pub const CODE: &str = "123456";

    /// Starts one. It takes some seconds, so tests rather share [`CognitoLocal::shared`].
    ///
    /// # Panics
    /// If Node or the package is missing.
    pub fn start() -> Self {
        let folder = Part::new("cognito-local");
        let port = free_port();
        let script = modules().join("cognito-local/lib/bin/start.js");
        assert!(
            script.exists(),
            "no {}; `scripts/test --install-only` brings it, or set TEST_NODE_MODULES",
            script.display()
        );
        let (number, code) = (format!("PORT={port}"), format!("CODE={}", Self::CODE));
        let script = script.to_string_lossy();
        let args = ["HOST=127.0.0.1", &number, &code, "node", &script];
        let daemon =
            folder.start("KILL", "env", &args, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        Self { port, _daemon: daemon }
    }

    /// One for the whole test process. Tests make pools of their own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<CognitoLocal> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A new pool.
    ///
    /// # Panics
    /// If it is refused.
    pub fn user_pool(&self, kind: PoolKind) -> UserPool {
        UserPool::create(self.port, kind)
    }
}

/// The folder of the Node packages of the tests: `TEST_NODE_MODULES`, else the one `scripts/test` makes.
fn modules() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/node-tests/node_modules");
    std::env::var_os("TEST_NODE_MODULES").map_or(made, PathBuf::from)
}
