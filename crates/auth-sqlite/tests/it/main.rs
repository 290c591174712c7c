//! Tests of the store on SQLite, all in one binary.

mod contract;
