//! The server's settings and command line, from outside.

mod settings;
#[cfg(test)]
mod support;
