//! The server's settings and command line, from outside.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod support;
#[cfg(test)]
mod users;
