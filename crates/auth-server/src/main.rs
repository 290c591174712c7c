//! The binary: see the library of the same name.

use std::process::ExitCode;

/// Argon2id takes and gives back 19 MiB for every hash; the system's allocator keeps such blocks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    auth_server::cli::main()
}
