//! Requests that are signed wrongly.

use super::arena::{Arena, ORDER, ORDERS, Signed, now_ms, request, signed};
use super::table::{Attack, line};
use crate::failure::Outcome;

/// The order of the group of Ed25519's points (RFC 8032 §5.1), least byte first.
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "no signature",
        "an order without credentials",
        "401 unauthenticated",
        |arena| arena.ask(request("POST", ORDERS, ORDER.as_bytes(), "")),
    ),
    line(
        "an unsigned request behind a signed one",
        "both on one connection",
        "201, then 401 unauthenticated",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send(signed(&arena.keys.trader, "POST", ORDERS, ORDER.as_bytes(), ""));
            let first = wire
                .answer()
                .map_or_else(|| "closed".to_owned(), |answer| answer.text());
            wire.send(request("POST", ORDERS, ORDER.as_bytes(), ""));
            Ok(format!("{first}, then {}", wire.told()))
        },
    ),
    line(
        "a wrong signature",
        "64 bytes of zeros; a signature with one bit turned round, in each of its halves",
        "401 bad_signature",
        |arena| {
            bent(
                arena,
                &[
                    |signature| *signature = [0; 64],
                    |signature| signature[3] ^= 1,
                    |signature| signature[40] ^= 1,
                ],
            )
        },
    ),
    line(
        "the signature of another request",
        "that of another method, path, query or body, or of none",
        "401 bad_signature",
        |arena| {
            let body = ORDER.as_bytes();
            let more = ORDER.replace("0.001", "0.009");
            let signs = [
                ("PATCH", ORDERS, body),
                ("POST", "/api/v1/orders/", body),
                ("POST", "/api/v1/orders?", body),
                ("POST", ORDERS, more.as_bytes()),
                ("POST", ORDERS, b""),
            ];
            arena.each(signs.map(|(method, target, signed)| {
                let headers = arena.keys.trader.sign(method, target, signed).headers();
                request("POST", ORDERS, body, &headers)
            }))
        },
    ),
    line(
        "a query that was added",
        "`?symbol=` behind a target that was signed without it",
        "401 bad_signature",
        |arena| {
            let headers = arena.keys.trader.sign("DELETE", ORDERS, b"").headers();
            arena.ask(request("DELETE", "/api/v1/orders?symbol=ETH-KRW", b"", &headers))
        },
    ),
    line(
        "a stale signature",
        "one of a minute ago, of 1970, and of just outside of the window",
        "401 stale_timestamp",
        |arena| timed(arena, &[now_ms() - 60_000, 0, now_ms() - 5_100]),
    ),
    line(
        "a signature from the future",
        "one of in a minute, and of the year 33658",
        "401 stale_timestamp",
        |arena| timed(arena, &[now_ms() + 60_000, 999_999_999_999_999]),
    ),
    line(
        "a replayed signature",
        "a signed order twice, on one connection and on two",
        "201, then 401 replayed, then 401 replayed",
        |arena| {
            let bytes = signed(&arena.keys.trader, "POST", ORDERS, ORDER.as_bytes(), "");
            let mut wire = arena.connect()?;
            let mut told = Vec::new();
            for _ in 0..2 {
                wire.send(&bytes);
                told.push(
                    wire.answer()
                        .map_or_else(|| "closed".to_owned(), |answer| answer.text()),
                );
            }
            told.push(arena.ask(&bytes)?);
            Ok(told.join(", then "))
        },
    ),
    line(
        "a signature moved to another header order",
        "the three headers of an accepted request, in another order and case",
        "201, then 401 replayed",
        |arena| {
            let sign = arena.keys.trader.sign("POST", ORDERS, ORDER.as_bytes());
            let first = arena.ask(request("POST", ORDERS, ORDER.as_bytes(), &sign.headers()))?;
            let mut lines: Vec<String> = sign.headers().lines().map(|line| format!("{line}\r\n")).collect();
            lines.reverse();
            let headers = lines.concat().replace("Hoga-", "HOGA-");
            Ok(format!(
                "{first}, then {}",
                arena.ask(request("POST", ORDERS, ORDER.as_bytes(), &headers))?
            ))
        },
    ),
    line(
        "a truncated signature",
        "its first 0, 1, 44, 86 and 87 characters",
        "401 unauthenticated",
        |arena| {
            texts(
                arena,
                &[
                    |text| String::new() + &text[..0],
                    |text| text[..1].to_owned(),
                    |text| text[..44].to_owned(),
                    |text| text[..86].to_owned(),
                    |text| text[..87].to_owned(),
                ],
            )
        },
    ),
    line(
        "a signature that is too long",
        "one character more, 4 KiB more, and twice the signature",
        "401 unauthenticated",
        |arena| {
            texts(
                arena,
                &[
                    |text| format!("{text}A"),
                    |text| text.to_owned() + &"A".repeat(4_096),
                    |text| text.repeat(2),
                ],
            )
        },
    ),
    line(
        "a signature that is not base64",
        "URL-safe digits, hexadecimal, a space or a quote in it, letters beyond ASCII",
        "401 unauthenticated",
        |arena| {
            texts(
                arena,
                &[
                    |text| format!("-_{}", &text[2..]),
                    |_| "a1".repeat(44),
                    |text| format!("{} {}", &text[..40], &text[41..]),
                    |text| format!("\"{}\"", &text[1..87]),
                    |text| format!("é{}", &text[2..]),
                ],
            )
        },
    ),
    line(
        "base64 that is not canonical",
        "unused bits of the last digit set; padding in the middle",
        "401 unauthenticated",
        |arena| {
            texts(
                arena,
                &[
                    |text| {
                        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                        let last = digits
                            .iter()
                            .position(|digit| *digit == text.as_bytes()[85])
                            .unwrap_or_default();
                        format!("{}{}==", &text[..85], char::from(digits[last | 1]))
                    },
                    |text| format!("{}==={}", &text[..43], &text[46..]),
                ],
            )
        },
    ),
    line(
        "a malleable signature",
        "S + L in place of S (RFC 8032 §5.1.7), and S with its highest bit set",
        "401 bad_signature",
        |arena| bent(arena, &[add_group_order, |signature| signature[63] |= 0x80]),
    ),
    line(
        "a signature of small order",
        "R the identity or a point of order two or eight, and S zero",
        "401 bad_signature",
        |arena| {
            bent(
                arena,
                &[
                    |signature| {
                        *signature = [0; 64];
                        signature[0] = 1;
                    },
                    |signature| {
                        *signature = [0; 64];
                        signature[..32].fill(0xff);
                        (signature[0], signature[31]) = (0xec, 0x7f);
                    },
                    |signature| {
                        *signature = [0; 64];
                        signature[..32].copy_from_slice(&[
                            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d,
                            0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7,
                            0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
                        ]);
                    },
                ],
            )
        },
    ),
    line(
        "a header that is missing",
        "two of the three, in each way",
        "401 unauthenticated",
        |arena| {
            let without = ["Hoga-Key", "Hoga-Timestamp", "Hoga-Signature"];
            arena.each(without.map(|name| {
                with_headers(arena, |line| {
                    if line.starts_with(name) {
                        String::new()
                    } else {
                        line
                    }
                })
            }))
        },
    ),
    line(
        "a header given twice",
        "each of the three, with the same value and with another",
        "401 unauthenticated",
        |arena| {
            let twice = ["Hoga-Key", "Hoga-Timestamp", "Hoga-Signature"];
            let same = twice.map(|name| {
                with_headers(arena, |line| {
                    if line.starts_with(name) {
                        line.repeat(2)
                    } else {
                        line
                    }
                })
            });
            let other = twice.map(|name| {
                with_headers(arena, |line| {
                    if line.starts_with(name) {
                        format!("{name}: 1\r\n{line}")
                    } else {
                        line
                    }
                })
            });
            arena.each(same.into_iter().chain(other))
        },
    ),
    line(
        "a strange timestamp",
        "16 digits, -1, +1, 1.5, 1e12, 0x10, a leading zero, a space in it, none, digits of another script",
        "401 unauthenticated",
        |arena| {
            let now = now_ms();
            let times = [
                "1000000000000000".to_owned(),
                "-1".to_owned(),
                format!("+{now}"),
                format!("{now}.5"),
                "1e12".to_owned(),
                "0x10".to_owned(),
                format!("0{now}"),
                format!("{} {}", now / 1_000, now % 1_000),
                String::new(),
                "١٦٨٢٨٥٨١١٠١٢٣".to_owned(),
            ];
            arena.each(times.map(|timestamp| {
                let sign = Signed {
                    timestamp,
                    ..arena.keys.trader.sign("POST", ORDERS, ORDER.as_bytes())
                };
                request("POST", ORDERS, ORDER.as_bytes(), &sign.headers())
            }))
        },
    ),
    line(
        "a timestamp that was changed",
        "one millisecond more than was signed",
        "401 bad_signature",
        |arena| {
            let mut sign = arena.keys.trader.sign("POST", ORDERS, ORDER.as_bytes());
            let time: u64 = sign.timestamp.parse().unwrap_or_default();
            sign.timestamp = (time + 1).to_string();
            arena.ask(request("POST", ORDERS, ORDER.as_bytes(), &sign.headers()))
        },
    ),
];

/// An order whose signature was changed, for each of these changes.
fn bent(arena: &Arena, changes: &[fn(&mut [u8; 64])]) -> Outcome<String> {
    arena.each(changes.iter().map(|change| {
        let mut sign = arena.keys.trader.sign("POST", ORDERS, ORDER.as_bytes());
        change(&mut sign.signature);
        request("POST", ORDERS, ORDER.as_bytes(), &sign.headers())
    }))
}

/// An order with another text as its signature, for each of these.
fn texts(arena: &Arena, changes: &[fn(&str) -> String]) -> Outcome<String> {
    arena.each(changes.iter().map(|change| {
        let sign = arena.keys.trader.sign("POST", ORDERS, ORDER.as_bytes());
        let headers = sign.headers_with(&change(&sign.base64()));
        request("POST", ORDERS, ORDER.as_bytes(), &headers)
    }))
}

/// An order signed at each of these times.
fn timed(arena: &Arena, times: &[u64]) -> Outcome<String> {
    arena.each(times.iter().map(|time| {
        let sign = arena.keys.trader.sign_at(*time, "POST", ORDERS, ORDER.as_bytes());
        request("POST", ORDERS, ORDER.as_bytes(), &sign.headers())
    }))
}

/// An order with a good signature whose headers `change` has changed, one by one.
fn with_headers(arena: &Arena, change: impl Fn(String) -> String) -> Vec<u8> {
    let headers = arena.keys.trader.sign("POST", ORDERS, ORDER.as_bytes()).headers();
    let headers: String = headers
        .lines()
        .map(|line| change(format!("{line}\r\n")))
        .collect();
    request("POST", ORDERS, ORDER.as_bytes(), &headers)
}

/// S becomes S + L, which means the same.
fn add_group_order(signature: &mut [u8; 64]) {
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
}
