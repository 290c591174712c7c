//! Tests of the domain from outside: models of the pure rules, and use cases over real adapters.

mod admin;
mod api_keys;
mod csrf;
mod degrading;
mod federation;
mod known_device_model;
mod lockout;
mod lockout_model;
mod messages;
mod moving;
mod notices;
mod pumping;
mod rekey;
mod rotation_model;
mod second_factor;
mod signing_keys;
mod snapshot;
mod trail;
#[cfg(test)]
mod transfer;
mod trust;
mod upkeep;
mod usecases;
