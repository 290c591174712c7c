//! Contract of the computing ports.
