//! WebSocket (RFC 6455), its compression (RFC 7692), and the states of a connection that speaks it before it is a session or a
//! subscriber: a stream reads and writes frames over a connection's buffer.

pub(crate) mod authentication;

pub(crate) mod deflate;

pub(crate) mod echo;

pub(crate) mod framer;

pub(crate) mod stream;
