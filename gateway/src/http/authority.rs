//! `host` or `host:port`: what a `Host` header, an absolute target and an origin name.

use std::net::Ipv6Addr;
use std::num::NonZeroU16;

/// A host and perhaps its port (RFC 3986 §3.2), the strict way: the host is letters, digits, `-`, `_` and dots, or an
/// IPv6 address in brackets; the port is plain digits from 1 to 65535. No user, no list, no space, no percent-encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// The host as it was sent, in any case; an IPv6 address with its brackets.
    pub host: &'a str,
    /// The port, where one was named.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// `None` for anything else.
    pub fn parse(text: &'a str) -> Option<Self> {
        let end = match text.find(']') {
            Some(bracket) => bracket + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(end);
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse::<NonZeroU16>().ok()?.get())
            }
            None if port.is_empty() => None,
            _ => return None,
        };
        is_host(host).then_some(Self { host, port })
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !host.is_empty() && host.bytes().all(fits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_programs_could_take_for_different_hosts_is_none() {
        for (text, host, port) in [
            ("localhost", "localhost", None),
            ("LocalHost:1", "LocalHost", Some(1)),
            ("desk_1.example.com.:65535", "desk_1.example.com.", Some(65535)),
            ("127.0.0.1:03030", "127.0.0.1", Some(3030)),
            ("[::1]", "[::1]", None),
            ("[2001:db8::7]:80", "[2001:db8::7]", Some(80)),
        ] {
            assert_eq!(Authority::parse(text), Some(Authority { host, port }), "{text}");
        }
        for text in [
            "",
            ":",
            ":80",
            "a:",
            "a:0",
            "a:65536",
            "a:abc",
            "a:+80",
            "a:-1",
            "a: 80",
            "a:80 ",
            " a",
            "a b",
            "a,b",
            "a:80,b",
            "a:80, b:80",
            "a:80:90",
            "me@a",
            "me:pw@a",
            "a/",
            "a?",
            "a#",
            "a%2e",
            "*",
            "*.a",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[::1]:",
            "[::1]:x",
            "[::1]80",
            "[::1]]:80",
            "[[::1]]",
            "x[::1]",
            "[localhost]",
            "[127.0.0.1]",
            "[::1%lo]",
            "[v1.x]",
            "é",
            "a\\b",
            "a;b",
            "http://a",
        ] {
            assert_eq!(Authority::parse(text), None, "{text:?}");
        }
    }
}
