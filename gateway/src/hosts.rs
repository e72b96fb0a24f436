//! Who may reach order entry: a web page must not trade on localhost behind its visitor's back.

use std::net::SocketAddr;

use crate::config::GatewayConfig;
use crate::http::Request;
use crate::wire::{ApiError, codes};

/// The names this exchange answers to on private routes, and the origins it trusts.
///
/// A page of another origin shows itself by its `Origin`; a page whose name was pointed at this machine (DNS
/// rebinding) shows itself by its `Host`.
#[derive(Debug)]
pub(crate) struct Hosts {
    port: u16,
    hosts: Vec<String>,
    origins: Vec<String>,
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
            origins: config.allowed_origins.clone(),
        }
    }

    /// Whether the request may reach a private route.
    ///
    /// # Errors
    /// 403 `unknown_host` or `foreign_origin`, naming the setting that would allow it.
    pub fn check(&self, request: &Request) -> Result<(), ApiError> {
        let host = request.host.as_deref().unwrap_or_default();
        if !self.is_own(split_port(host).0) {
            return Err(ApiError::new(
                codes::UNKNOWN_HOST,
                format!("order entry does not answer to the host {host:?}; add it to allowed_hosts"),
            ));
        }
        match request.header("origin") {
            Some(origin) if !self.is_trusted(origin, host) => Err(ApiError::new(
                codes::FOREIGN_ORIGIN,
                format!("order entry is closed to pages of {origin:?}; add it to allowed_origins"),
            )),
            _ => Ok(()),
        }
    }

    fn is_own(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }

    fn is_trusted(&self, origin: &str, host: &str) -> bool {
        if self
            .origins
            .iter()
            .any(|trusted| trusted.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return false,
        };
        let (name, port) = split_port(authority);
        let port = match port {
            None => default_port,
            Some(port) => match port.parse() {
                Ok(port) => port,
                Err(_) => return false,
            },
        };
        authority.eq_ignore_ascii_case(host) || (self.is_own(name) && port == self.port)
    }
}

/// `host:port`, `[v6]:port` or either without a port.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
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
            ("desk.example.com", Some("https://desk.example.com")),
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
        ] {
            assert_eq!(check(host, None), Err("unknown_host"), "{host}");
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
        ] {
            assert_eq!(
                check("localhost:3030", Some(origin)),
                Err("foreign_origin"),
                "{origin}"
            );
        }
    }
}
