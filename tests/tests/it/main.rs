//! The one test binary of this package.

mod workspace;
