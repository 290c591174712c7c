//! What drivers of load have in common: a server in a process of its own, a client that costs next to
//! nothing, people who have accounts, and statistics.

pub(crate) mod client;
pub(crate) mod people;
pub(crate) mod server;
pub(crate) mod statistics;
