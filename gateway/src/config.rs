//! Settings of a gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Settings of a gateway. Every bound is kept; none changes an outcome in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Host names, without port, that private routes accept beside 127.0.0.1, localhost, `[::1]` and `listen` itself.
    pub allowed_hosts: Vec<String>,
    /// Origins, such as `https://desk.example.com`, that private routes accept beside those of an allowed host.
    pub allowed_origins: Vec<String>,
    /// Most connections at once; one more is answered 503 and closed.
    pub max_connections: usize,
    /// How many encoded execution frames are kept for live subscribers. Who falls further behind is closed.
    pub stream_frames: usize,
    /// A socket that accepts no byte for this long while something waits for it is closed.
    pub write_stall: Duration,
    /// How long a request's head may take from its first byte, or from the accept for the first one.
    pub header_timeout: Duration,
    /// How long a request's body may take once its head is there.
    pub body_timeout: Duration,
    /// How long an HTTP connection may stay open between requests.
    pub idle_timeout: Duration,
    /// `SO_SNDBUF` of a connection, in bytes.
    pub send_buffer: usize,
    /// A WebSocket that has sent nothing for this long is pinged.
    pub ping_after: Duration,
    /// A WebSocket that has sent nothing, not even a pong, for this long is closed.
    pub close_after: Duration,
    /// Most requests of one order session that are sequenced and not yet answered. Beyond it its socket is not read.
    pub max_in_flight_per_session: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3030)),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_connections: 10_000,
            stream_frames: 65_536,
            write_stall: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            send_buffer: 64 * 1024,
            ping_after: Duration::from_secs(20),
            close_after: Duration::from_secs(60),
            max_in_flight_per_session: 256,
        }
    }
}
