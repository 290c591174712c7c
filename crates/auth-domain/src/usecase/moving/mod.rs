//! Moving in and out: people who had an account elsewhere, and what those take along who leave.
//!
//! Who comes is read twice. The roll call finds the addresses that several have ([`contest`]); then each is judged
//! by rules without input or output ([`judge`]), and those who may come and are not here yet are added, some hundred
//! at a time, each batch in one transaction with its audit record, and read back.
//!
//! Nobody who is here already is changed, however often an import is run: what happened to their account since
//! counts more than what it was elsewhere.

mod contest;
mod export;
mod import;
mod judge;
mod old;

pub use export::{Exports, Leaver};
pub use import::{ImportCounts, ImportError, ImportNews, ImportStep, Imports};
pub use judge::{ImportTerms, Refusal, Remark};
