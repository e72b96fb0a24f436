//! The wire against views that real events were folded into.

mod fixture;

mod encoding;

mod requests;

mod changes;

mod errors;

mod resuming;
