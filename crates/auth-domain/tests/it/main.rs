//! Tests of the domain from outside: models of the pure rules, and use cases over real adapters.

mod degrading;
mod federation;
mod lockout_model;
mod messages;
mod notices;
mod pumping;
mod rotation_model;
mod second_factor;
#[cfg(test)]
mod transfer;
mod upkeep;
mod usecases;
