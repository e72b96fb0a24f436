//! The WebSocket protocol as a client that writes single bytes sees it, in the order of the Autobahn test suite's sections.
//!
//! Messages beyond 64 KiB, which that suite also sends, are answered 1009 here.

#[path = "../common/mod.rs"]
mod common;

mod client;

mod framing;

mod fragments;

mod utf8;

mod closing;

mod limits;

mod compression;

mod handshake;

mod formats;
