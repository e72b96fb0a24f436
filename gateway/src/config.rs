//! Settings of a gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use hoga_service::RequestRates;

use crate::http::{Authority, HttpLimits};

/// Settings of a gateway. Every bound is kept; none changes an outcome in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Host names, without port, that private routes accept beside 127.0.0.1, localhost, `[::1]` and `listen` itself.
    pub allowed_hosts: Vec<String>,
    /// Origins, such as `https://desk.example.com`, that private routes accept beside the exchange's own: `http`, and
    /// the host and port that the request names, or an accepted host and the port listened on.
    pub allowed_origins: Vec<String>,
    /// Most connections at once, 1 to 1,000,000; one more is answered 503 and closed.
    pub max_connections: usize,
    /// Most connections at once of one IPv4 address, or of one IPv6 network of 64 bits, 1 to 1,000,000; one more is answered
    /// 429 and closed.
    pub max_connections_per_address: usize,
    /// Most WebSockets at once of one account, 1 to 1,000,000, where requests are signed; one more is answered 429.
    pub max_connections_per_account: usize,
    /// Most accounts that one address, or IPv6 network of 64 bits, opens between a start and the next, 1 to 16,777,216; the
    /// request that needs one more is answered 429.
    pub max_accounts_per_address: usize,
    /// What one address, or IPv6 network of 64 bits, may request in a second, signed or not.
    pub address_rates: RequestRates,
    /// What one account may request in a second, where requests are signed.
    pub account_rates: RequestRates,
    /// How long a request may be.
    pub http: HttpLimits,
    /// Most bytes of a client's WebSocket message, 1 KiB to 64 KiB; a longer one is closed 1009.
    pub max_message: usize,
    /// Whether connections from this machine count towards those of their address, and their requests and accounts; a proxy's usually do
    /// not.
    pub limit_loopback: bool,
    /// How many encoded execution frames are kept for live subscribers, 1 to 4,194,304. Who falls further behind is
    /// closed.
    pub stream_frames: usize,
    /// A socket that accepts no byte for this long while something waits for it is closed. This and the times below
    /// are 1 ms to 1 day.
    pub write_stall: Duration,
    /// How long a request's head may take from its first byte, or from the accept for the first one.
    pub header_timeout: Duration,
    /// How long a request's body may take once its head is there.
    pub body_timeout: Duration,
    /// How long an HTTP connection may stay open between requests.
    pub idle_timeout: Duration,
    /// `SO_SNDBUF` of a connection, in bytes, 4 KiB to 16 MiB.
    pub send_buffer: usize,
    /// A WebSocket that has sent nothing for this long, 100 ms or more, is pinged.
    pub ping_after: Duration,
    /// A WebSocket that has sent nothing, not even a pong, for this long is closed. Longer than `ping_after`.
    pub close_after: Duration,
    /// An order session that was sent nothing for this long, 100 ms or more, is sent a heartbeat.
    pub heartbeat: Duration,
    /// Most requests of one order session that are sequenced and not yet answered, 1 to 65,536. Beyond it its socket
    /// is not read.
    pub max_in_flight_per_session: usize,
    /// Most bytes of memory that answers and frames may take up that wait for their readers, over all connections, 1 MiB to
    /// 64 GiB. Beyond it queries are answered 503 `busy`, and a connection where something waits is not read: it has one
    /// answer more in memory at most.
    pub max_waiting_bytes: usize,
    /// Whether messages are compressed for clients that offer it (RFC 7692).
    pub compression: bool,
    /// Whether `/ws/echo` is there, which sends every message back: for tests of the protocol alone.
    pub test_echo: bool,
}

const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
const ACCOUNTS: RangeInclusive<usize> = 1..=1 << 24;
const HEADERS: RangeInclusive<usize> = 16..=HttpLimits::MAX_HEADERS;
const BYTES: RangeInclusive<usize> = 1 << 10..=64 << 10;
const RATE: RangeInclusive<usize> = 0..=RequestRates::MOST as usize;
const FRAMES: RangeInclusive<usize> = 1..=1 << 22;
const IN_FLIGHT: RangeInclusive<usize> = 1..=1 << 16;
const WAITING: RangeInclusive<usize> = 1 << 20..=64 << 30;
const SEND_BUFFER: RangeInclusive<usize> = 4 << 10..=16 << 20;

/// Timeouts are looked at ten times a second, so a shorter silence cannot be told from a live client's.
const LEAST_PING: Duration = Duration::from_millis(100);
const LEAST_TIME: Duration = Duration::from_millis(1);
const LONGEST_TIME: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3030)),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_connections: 12_000,
            max_connections_per_address: 256,
            max_connections_per_account: 64,
            max_accounts_per_address: 1_000,
            address_rates: RequestRates {
                orders: 1_000,
                cancels: 2_000,
                queries: 500,
            },
            account_rates: RequestRates {
                orders: 500,
                cancels: 1_000,
                queries: 200,
            },
            http: HttpLimits::default(),
            max_message: 64 << 10,
            limit_loopback: false,
            stream_frames: 65_536,
            write_stall: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            send_buffer: 64 * 1024,
            ping_after: Duration::from_secs(20),
            close_after: Duration::from_secs(60),
            heartbeat: Duration::from_secs(10),
            max_in_flight_per_session: 256,
            max_waiting_bytes: 64 << 20,
            compression: true,
            test_echo: false,
        }
    }
}

impl GatewayConfig {
    /// Whether every setting is one that a gateway can keep, and every name one that a request can carry.
    ///
    /// # Errors
    /// The first that is not: its key as an operator writes it (`gateway.ping_after_ms`, times in milliseconds), its
    /// value, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        for host in &self.allowed_hosts {
            check_host(host)?;
        }
        for origin in &self.allowed_origins {
            check_origin(origin)?;
        }
        for (key, value, range) in [
            ("max_connections", self.max_connections, CONNECTIONS),
            (
                "max_connections_per_address",
                self.max_connections_per_address,
                CONNECTIONS,
            ),
            ("stream_frames", self.stream_frames, FRAMES),
            (
                "max_in_flight_per_session",
                self.max_in_flight_per_session,
                IN_FLIGHT,
            ),
            ("send_buffer", self.send_buffer, SEND_BUFFER),
            ("max_waiting_bytes", self.max_waiting_bytes, WAITING),
        ] {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                return Err(format!(
                    "gateway.{key} is {value}: write a number from {least} to {most}"
                ));
            }
        }
        self.check_limits()?;
        for (key, time, least) in [
            ("write_stall_ms", self.write_stall, LEAST_TIME),
            ("header_timeout_ms", self.header_timeout, LEAST_TIME),
            ("body_timeout_ms", self.body_timeout, LEAST_TIME),
            ("idle_timeout_ms", self.idle_timeout, LEAST_TIME),
            ("ping_after_ms", self.ping_after, LEAST_PING),
            ("close_after_ms", self.close_after, LEAST_PING),
            ("heartbeat_ms", self.heartbeat, LEAST_PING),
        ] {
            if !(least..=LONGEST_TIME).contains(&time) {
                return Err(format!(
                    "gateway.{key} is {}: write milliseconds from {} to {}",
                    time.as_millis(),
                    least.as_millis(),
                    LONGEST_TIME.as_millis()
                ));
            }
        }
        if self.ping_after >= self.close_after {
            return Err(format!(
                "gateway.close_after_ms is {}: write more than gateway.ping_after_ms, which is {}, so that a client has \
                 time to answer the ping",
                self.close_after.as_millis(),
                self.ping_after.as_millis()
            ));
        }
        Ok(())
    }
}

impl GatewayConfig {
    /// What an operator writes in `[quotas]`.
    fn check_limits(&self) -> Result<(), String> {
        let (account, address) = (&self.account_rates, &self.address_rates);
        for (key, value, range) in [
            (
                "websockets_per_account",
                self.max_connections_per_account,
                CONNECTIONS,
            ),
            ("accounts_per_address", self.max_accounts_per_address, ACCOUNTS),
            ("orders_per_account", account.orders as usize, RATE),
            ("cancels_per_account", account.cancels as usize, RATE),
            ("queries_per_account", account.queries as usize, RATE),
            ("orders_per_address", address.orders as usize, RATE),
            ("cancels_per_address", address.cancels as usize, RATE),
            ("queries_per_address", address.queries as usize, RATE),
            ("headers", self.http.max_headers, HEADERS),
            ("header_bytes", self.http.max_head, BYTES),
            ("body_bytes", self.http.max_body, BYTES),
            ("message_bytes", self.max_message, BYTES),
        ] {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                return Err(format!(
                    "quotas.{key} is {value}: write a number from {least} to {most}"
                ));
            }
        }
        Ok(())
    }
}

/// A host alone, as the `Host` header carries it before its port.
fn check_host(host: &str) -> Result<(), String> {
    if Authority::parse(host).is_some_and(|authority| authority.port.is_none()) {
        return Ok(());
    }
    let why = format!("gateway.allowed_hosts has {host:?}: write a host name without scheme, port or path");
    Err(match host_within(host) {
        Some(name) => format!("{why}, here {name:?}"),
        None if host.contains('*') => format!("{why}, one entry for each; * stands for nothing here"),
        None => format!("{why}, such as \"desk.example.com\""),
    })
}

/// An origin, letter for letter as browsers send it.
fn check_origin(origin: &str) -> Result<(), String> {
    let (scheme, rest) = origin.split_once("://").unwrap_or_default();
    let default_port = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let own_port = |port: Option<u16>| port.is_none() || port != default_port;
    if let Some(authority) = Authority::parse(rest)
        && default_port.is_some()
        && own_port(authority.port)
        && !rest.bytes().any(|byte| byte.is_ascii_uppercase())
    {
        return Ok(());
    }
    let why = format!(
        "gateway.allowed_origins has {origin:?}: write http:// or https://, the host in lower case, and its port unless \
         it is the scheme's own; no path and no slash behind it"
    );
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Some(("http", 80)),
        "https" => Some(("https", 443)),
        _ => None,
    };
    let authority = rest
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    Err(match (scheme, Authority::parse(&authority)) {
        (Some((scheme, default)), Some(Authority { host, port })) => {
            let port = port.filter(|port| *port != default);
            let port = port.map_or(String::new(), |port| format!(":{port}"));
            format!("{why}: \"{scheme}://{host}{port}\"")
        }
        _ if origin.contains('*') => format!("{why}; one entry for each, * stands for nothing here"),
        _ => format!("{why}, such as \"https://desk.example.com\""),
    })
}

/// The host that stands in what may be an address, or a host and a port.
fn host_within(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default().trim();
    if rest.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(format!("[{rest}]"));
    }
    Authority::parse(rest).map(|authority| authority.host.to_owned())
}

#[cfg(test)]
mod tests;
