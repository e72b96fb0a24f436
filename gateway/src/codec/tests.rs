//! The wire against views that real events were folded into.

pub(crate) mod document;

mod fixture;

mod flat;

mod encoding;

mod binary_out;

mod binary_in;

mod binary_refused;

mod requests;

mod changes;

mod errors;

mod resuming;
