//! The one test binary of this package: the real server over a real socket.

mod boundaries;
mod cognito;
mod crash;
mod edge;
mod factors;
mod failover;
mod flow;
mod harness;
mod mail;
mod moving;
mod outage;
mod pages;
mod races;
mod refusal;
mod replicas;
mod second_factor;
mod short_lived;
mod sms;
mod stores;
mod workspace;
