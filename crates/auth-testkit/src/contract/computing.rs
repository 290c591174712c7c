//! Contract of the computing ports: hasher, tokens, cipher, codes of authenticator apps.
//!
//! `auth_testkit::hasher_contract!(make)` in a test module expands to one test for each case; `make`
//! is a function without arguments that gives a fresh adapter.

pub mod cipher;
pub mod hasher;
pub mod tokens;
pub mod totp;

/// Expands to one asynchronous test per case.
#[doc(hidden)]
#[macro_export]
macro_rules! async_cases {
    ($make:expr; $module:ident; $($case:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::contract::$module::$case($make()).await;
        }
    )+};
}

/// Expands to one plain test per case.
#[doc(hidden)]
#[macro_export]
macro_rules! plain_cases {
    ($make:expr; $module:ident; $($case:ident)+) => {$(
        #[test]
        fn $case() {
            $crate::contract::$module::$case(&$make());
        }
    )+};
}
