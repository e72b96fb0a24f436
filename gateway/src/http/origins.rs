//! Who may reach order entry: a web page must not trade on localhost behind its visitor's back.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::codec::{ApiError, codes};
use crate::config::GatewayConfig;
use crate::http::{Authority, Request};

/// The port of an `http` address that names none.
const HTTP_PORT: u16 = 80;

/// The names this exchange answers to on private routes, and the origins it trusts.
///
/// A page of another origin shows itself by its `Origin`; a page whose name was pointed at this machine (DNS
/// rebinding) shows itself by its `Host`.
#[derive(Debug)]
pub(crate) struct Hosts {
    port: u16,
    hosts: Vec<String>,
    origins: Vec<Arc<str>>,
}

impl Hosts {
    /// The names of an exchange that listens on `listen`.
    pub fn new(config: &GatewayConfig, listen: SocketAddr) -> Self {
        let own = match listen {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        let mut hosts: Vec<String> = ["127.0.0.1", "localhost", "[::1]"].map(str::to_owned).into();
        hosts.push(own);
        hosts.extend(config.allowed_hosts.iter().map(|host| host.to_ascii_lowercase()));
        Self {
            port: listen.port(),
            hosts,
            origins: config
                .allowed_origins
                .iter()
                .map(|origin| origin.as_str().into())
                .collect(),
        }
    }

    /// The origin of the page that sent the request, if it is one of those that the operator has allowed: it may read the
    /// response (CORS; Fetch §3.2). The exchange's own pages need no leave.
    pub fn reader(&self, request: &Request) -> Option<Arc<str>> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = request.header("origin")?;
        let mut allowed = self.origins.iter();
        allowed
            .find(|allowed| allowed.eq_ignore_ascii_case(origin))
            .map(Arc::clone)
    }

    /// Whether the request may reach a private route.
    ///
    /// # Errors
    /// 403 `unknown_host` or `foreign_origin`, naming the setting that would allow it.
    pub fn check(&self, request: &Request) -> Result<(), ApiError> {
        let host = request.host.as_deref().unwrap_or_default();
        let Some(named) = Authority::parse(host).filter(|named| self.is_own(named.host)) else {
            let why = match host {
                "" => "order entry needs a Host header that names this exchange".to_owned(),
                _ => format!("order entry does not answer to the host {host:?}; add it to allowed_hosts"),
            };
            return Err(ApiError::new(codes::UNKNOWN_HOST, why));
        };
        match request.header("origin") {
            Some(origin) if !self.is_trusted(origin, named) => Err(ApiError::new(
                codes::FOREIGN_ORIGIN,
                format!("order entry is closed to pages of {origin:?}; add it to allowed_origins"),
            )),
            _ => Ok(()),
        }
    }

    fn is_own(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }

    /// Whether the origin is allowed, or is that of a page which this exchange itself served, under the name and port
    /// that the client used or under a name of ours and the port listened on. No TLS is spoken here, so a page that
    /// came by `https` came through somebody else, whom only the operator can vouch for.
    fn is_trusted(&self, origin: &str, named: Authority<'_>) -> bool {
        if self
            .origins
            .iter()
            .any(|trusted| trusted.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        let Some(own) = origin.strip_prefix("http://").and_then(Authority::parse) else {
            return false;
        };
        let port = own.port.unwrap_or(HTTP_PORT);
        let as_named = own.host.eq_ignore_ascii_case(named.host) && port == named.port.unwrap_or(HTTP_PORT);
        as_named || (self.is_own(own.host) && port == self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpLimits, Parse, parse};

    fn check(host: &str, origin: Option<&str>) -> Result<(), &'static str> {
        let config = GatewayConfig {
            allowed_hosts: vec!["Desk.example.com".to_owned()],
            allowed_origins: vec!["https://ui.example.com".to_owned()],
            ..GatewayConfig::default()
        };
        let hosts = Hosts::new(&config, config.listen);
        let origin = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n");
        match parse(text.as_bytes(), &HttpLimits::default()) {
            Ok(Parse::Request { request, .. }) => hosts.check(&request).map_err(|error| error.code),
            Err(error) => Err(error.code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_of_another_site_does_not_reach_order_entry() {
        for (host, origin) in [
            ("127.0.0.1:3030", None),
            ("LOCALHOST", None),
            ("[::1]:3030", None),
            ("[::1]", None),
            ("desk.example.com:8443", None),
            ("localhost:3030", Some("http://localhost:3030")),
            ("127.0.0.1:3030", Some("http://localhost:3030")),
            ("localhost:8080", Some("http://LOCALHOST:8080")),
            ("desk.example.com", Some("http://desk.example.com")),
            ("desk.example.com:80", Some("http://desk.example.com")),
            ("127.0.0.1:3030", Some("https://ui.example.com")),
        ] {
            assert_eq!(check(host, origin), Ok(()), "{host} {origin:?}");
        }
        for host in [
            "evil.example",
            "evil.example:3030",
            "127.0.0.1.evil.example",
            "localhost.:3030",
            "10.0.0.1",
            "",
        ] {
            assert_eq!(check(host, None), Err("unknown_host"), "{host}");
        }
        for host in [
            "127.0.0.1:3030, evil.example",
            "127.0.0.1:3030,evil.example",
            "127.0.0.1, evil.example",
            "localhost:abc",
            "localhost:",
            "localhost:0",
            "localhost:65536",
            "[::1]:x",
            "[::1]x",
            "me@localhost",
            "localhost:3030@evil.example",
            "local host",
        ] {
            assert_eq!(check(host, None), Err("bad_http"), "{host}");
        }
        for origin in [
            "http://evil.example",
            "http://evil.example:3030",
            "null",
            "http://localhost:8080",
            "http://localhost",
            "http://localhost:3030.evil.example",
            "file://localhost:3030",
            "http://localhost:99999",
            "localhost:3030",
            "http://me@localhost:3030",
            "http://localhost:3030/",
            "http://localhost:3030, http://evil.example",
            "http://localhost:+3030",
        ] {
            assert_eq!(
                check("localhost:3030", Some(origin)),
                Err("foreign_origin"),
                "{origin}"
            );
        }
    }

    #[test]
    fn a_page_served_by_tls_in_front_does_not_pass_for_our_own() {
        for (host, origin) in [
            ("localhost:3030", "https://localhost:3030"),
            ("127.0.0.1:3030", "https://127.0.0.1:3030"),
            ("127.0.0.1", "https://127.0.0.1"),
            ("desk.example.com", "https://desk.example.com"),
            ("desk.example.com:443", "https://desk.example.com"),
        ] {
            let got = check(host, Some(origin));
            assert_eq!(got, Err("foreign_origin"), "{host} {origin}");
        }
        // Named in allowed_origins, it may.
        assert_eq!(check("desk.example.com", Some("https://ui.example.com")), Ok(()));
    }
}
