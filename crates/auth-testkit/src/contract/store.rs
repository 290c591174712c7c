//! Contract of the store ports.
