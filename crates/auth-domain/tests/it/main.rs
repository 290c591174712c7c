//! Tests of the domain from outside: models of the pure rules, and use cases over real adapters.

mod lockout_model;
mod pumping;
mod rotation_model;
mod usecases;
