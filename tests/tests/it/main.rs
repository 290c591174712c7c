//! The one test binary of this package: the real server over a real socket.

mod audit;
mod boundaries;
mod cognito;
mod cookies;
mod crash;
mod edge;
mod factors;
mod failover;
mod flow;
mod harness;
mod keys;
mod lockout;
mod mail;
mod moving;
mod outage;
mod pages;
mod passwords;
mod races;
mod refusal;
mod replicas;
mod second_factor;
mod short_lived;
mod sms;
mod stores;
mod strict;
mod workspace;
