//! The server's settings and command line, from outside.

mod cli;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod support;
