//! What a handshake agrees on, and what it does not.

use hoga_gateway::GatewayConfig;

use crate::client::*;
use crate::common::http::ask;
use crate::common::{Setup, World};

#[test]
fn the_echo_is_not_there_unless_it_was_asked_for() {
    let refused = ask(&World::new(), "GET", "/ws/echo", "");
    assert_eq!((refused.status, refused.code()), (404, "not_found".into()));
    let refused = ask(&echo(), "GET", "/ws/echo", "");
    assert_eq!((refused.status, refused.code()), (426, "upgrade_required".into()));
}

#[test]
fn whatever_window_is_agreed_on_is_kept() {
    let world = echo();
    // Repeats at every distance up to 8 KiB: with more window than was promised it would be shorter, and unreadable.
    let message: Vec<u8> = (0..LIMIT)
        .map(|at| (((at % 8_192) * (at % 8_192)) >> 5) as u8)
        .collect();
    for offer in [
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=15; client_max_window_bits=9",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=10",
    ] {
        let (head, mut raw) = Raw::at(
            &world,
            "/ws/echo",
            &format!("Sec-WebSocket-Extensions: {offer}\r\n"),
        );
        let answer = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "))
            .unwrap_or_else(|| panic!("{offer}: {head}"));
        assert!(
            answer.contains("server_no_context_takeover; client_no_context_takeover"),
            "{answer}"
        );
        let bits = |text: &str| {
            text.rsplit_once("server_max_window_bits=")
                .map(|(_, bits)| bits.to_owned())
        };
        let asked = bits(offer).map(|bits| bits.split(';').next().unwrap_or_default().to_owned());
        assert_eq!(bits(answer), asked, "{offer}");
        for _ in 0..3 {
            raw.send(&frame(BINARY | RSV1, deflate(&message, 6, 9)), usize::MAX);
            raw.expect(offer, &[Back::Compressed(BINARY, message.clone())]);
        }
    }
}

#[test]
fn what_was_not_agreed_on_is_not_done() {
    let off = Setup::default();
    let off = World::with(Setup {
        config: GatewayConfig {
            test_echo: true,
            compression: false,
            ..off.config
        },
        ..off
    });
    let on = echo();
    for (world, headers) in [
        (&on, ""),
        (
            &on,
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n",
        ),
        (&on, "Sec-WebSocket-Extensions: permessage-bzip2\r\n"),
        (&off, DEFLATE),
    ] {
        let (head, mut raw) = Raw::at(world, "/ws/echo", headers);
        assert!(!head.contains("Sec-WebSocket-Extensions"), "{head}");
        raw.send(&frame(TEXT, "plain"), usize::MAX);
        raw.expect(headers, &[text("plain")]);
        raw.send(&frame(TEXT | RSV1, deflate(b"x", 6, 15)), usize::MAX);
        raw.expect(headers, &[closed(1002)]);
    }
}

#[test]
fn requests_and_replies_of_a_session_are_compressed_where_that_was_agreed_on() {
    let world = World::new();
    let (_, mut raw) = Raw::at(&world, "/ws/orders", DEFLATE);
    raw.send(
        &frame(TEXT | RSV1, deflate(br#"{"id":1,"op":"cancel_all"}"#, 6, 15)),
        3,
    );
    raw.expect(
        "a reply",
        &[Back::Compressed(TEXT, br#"{"id":1,"canceled":0}"#.to_vec())],
    );
}

#[test]
fn what_follows_a_handshake_at_once_is_not_lost() {
    let world = echo();
    let early: Vec<u8> = (0..50)
        .flat_map(|number| frame(TEXT, format!("early {number}")))
        .collect();
    let (_, mut raw) = Raw::with(&world, "/ws/echo", "", &early);
    let back: Vec<Back> = (0..50).map(|number| text(format!("early {number}"))).collect();
    raw.expect("early", &back);
}
