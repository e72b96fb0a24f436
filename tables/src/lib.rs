//! Bounded tables that the engine and the views share.
//!
//! None of them ever moves what it holds as a whole: the work of one operation is bounded, however much the table
//! holds. Each type says its worst case.
//!
//! | type | what it holds |
//! |---|---|
//! | [`Segments`] | a list that grows by chunks |
//! | [`HashIndex`] | values found by a hash, in buckets that are split one at a time |
//! | [`Shares`] | how many items each holder has, and who has to give one up |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod hash_index;

mod segments;

mod shares;

pub use hash_index::HashIndex;
pub use segments::Segments;
pub use shares::Shares;
