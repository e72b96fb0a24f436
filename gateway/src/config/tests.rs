use super::*;

fn refused(why: &str, config: &GatewayConfig) {
    match config.check() {
        Err(message) if message.contains(why) => {}
        other => panic!("{other:?} does not say {why:?}"),
    }
}

#[test]
fn a_name_that_no_request_can_carry_is_not_taken_silently() {
    let with = |host: &str| GatewayConfig {
        allowed_hosts: vec!["a.example".to_owned(), host.to_owned()],
        ..GatewayConfig::default()
    };
    for host in ["desk.example.com", "Desk", "desk_1", "10.0.0.7", "[2001:db8::7]"] {
        assert_eq!(with(host).check(), Ok(()));
    }
    for (host, instead) in [
        ("desk.example.com:3030", "here \"desk.example.com\""),
        ("https://desk.example.com", "here \"desk.example.com\""),
        ("http://desk.example.com:80/x", "here \"desk.example.com\""),
        ("desk.example.com/", "here \"desk.example.com\""),
        (" desk ", "here \"desk\""),
        ("2001:db8::7", "here \"[2001:db8::7]\""),
        ("", "such as"),
        ("a, b", "such as"),
        ("호가", "such as"),
        ("*", "one entry for each"),
        ("*.example.com", "one entry for each"),
    ] {
        refused(&format!("gateway.allowed_hosts has {host:?}"), &with(host));
        refused(instead, &with(host));
    }
}

#[test]
fn an_origin_that_no_browser_sends_is_not_taken_silently() {
    let with = |origin: &str| GatewayConfig {
        allowed_origins: vec!["https://a.example".to_owned(), origin.to_owned()],
        ..GatewayConfig::default()
    };
    for origin in [
        "https://desk.example.com",
        "http://desk.example.com:8080",
        "https://[::1]:8443",
        "http://localhost:443",
        "http://10.0.0.7",
    ] {
        assert_eq!(with(origin).check(), Ok(()));
    }
    for (origin, instead) in [
        ("https://desk.example.com/", ": \"https://desk.example.com\""),
        ("https://desk.example.com:443", ": \"https://desk.example.com\""),
        ("http://desk:80", ": \"http://desk\""),
        (
            "HTTPS://Desk.Example.com:8443/app",
            ": \"https://desk.example.com:8443\"",
        ),
        ("desk.example.com", "such as"),
        ("ftp://desk.example.com", "such as"),
        ("null", "such as"),
        ("", "such as"),
        ("https://", "such as"),
        ("https://me@desk", "such as"),
        ("https://desk:x", "such as"),
        ("*", "one entry for each"),
        ("https://*.example.com", "one entry for each"),
    ] {
        refused(&format!("gateway.allowed_origins has {origin:?}"), &with(origin));
        refused(instead, &with(origin));
    }
}

type Set = fn(&mut GatewayConfig, u64);

#[test]
fn a_bound_that_cannot_be_kept_is_refused_and_its_neighbour_is_not() {
    const DAY: u64 = 86_400_000;
    let millis = Duration::from_millis;
    assert_eq!(GatewayConfig::default().check(), Ok(()));
    let cases: [(&str, Set, u64, u64); 12] = [
        (
            "max_connections",
            |c, to| c.max_connections = to as usize,
            1,
            1_000_000,
        ),
        (
            "max_connections_per_address",
            |c, to| c.max_connections_per_address = to as usize,
            1,
            1_000_000,
        ),
        (
            "stream_frames",
            |c, to| c.stream_frames = to as usize,
            1,
            4_194_304,
        ),
        (
            "max_in_flight_per_session",
            |c, to| c.max_in_flight_per_session = to as usize,
            1,
            65_536,
        ),
        (
            "send_buffer",
            |c, to| c.send_buffer = to as usize,
            4_096,
            16_777_216,
        ),
        (
            "write_stall_ms",
            |c, to| c.write_stall = Duration::from_millis(to),
            1,
            DAY,
        ),
        (
            "header_timeout_ms",
            |c, to| c.header_timeout = Duration::from_millis(to),
            1,
            DAY,
        ),
        (
            "body_timeout_ms",
            |c, to| c.body_timeout = Duration::from_millis(to),
            1,
            DAY,
        ),
        (
            "idle_timeout_ms",
            |c, to| c.idle_timeout = Duration::from_millis(to),
            1,
            DAY,
        ),
        (
            "ping_after_ms",
            |c, to| c.ping_after = Duration::from_millis(to),
            100,
            DAY - 1,
        ),
        (
            "heartbeat_ms",
            |c, to| c.heartbeat = Duration::from_millis(to),
            100,
            DAY,
        ),
        (
            "close_after_ms",
            |c, to| c.close_after = Duration::from_millis(to),
            101,
            DAY,
        ),
    ];
    for (key, set, least, most) in cases {
        let with = |to| {
            // Apart enough that only the one bound under test is met.
            let mut config = GatewayConfig {
                ping_after: millis(100),
                close_after: millis(DAY),
                ..GatewayConfig::default()
            };
            set(&mut config, to);
            config
        };
        for fine in [least, most] {
            assert_eq!(with(fine).check(), Ok(()), "{key} {fine}");
        }
        for wrong in [0, least - 1, most + 1, u64::MAX] {
            let named = match (key, wrong) {
                // Too long to be shorter than any time there is to close after.
                ("ping_after_ms", DAY) => format!("gateway.{key}, which is {wrong}"),
                _ => format!("gateway.{key} is {wrong}: write"),
            };
            refused(&named, &with(wrong));
        }
    }
}

#[test]
fn a_quota_that_cannot_be_kept_is_refused_and_none_at_all_is_not() {
    type Set = fn(&mut GatewayConfig, u32);
    let rate = RequestRates::MOST;
    let cases: [(&str, Set, u32, u32); 11] = [
        (
            "websockets_per_account",
            |c, to| c.max_connections_per_account = to as usize,
            1,
            1_000_000,
        ),
        ("orders_per_account", |c, to| c.account_rates.orders = to, 0, rate),
        (
            "cancels_per_account",
            |c, to| c.account_rates.cancels = to,
            0,
            rate,
        ),
        (
            "queries_per_account",
            |c, to| c.account_rates.queries = to,
            0,
            rate,
        ),
        ("orders_per_address", |c, to| c.address_rates.orders = to, 0, rate),
        (
            "cancels_per_address",
            |c, to| c.address_rates.cancels = to,
            0,
            rate,
        ),
        (
            "queries_per_address",
            |c, to| c.address_rates.queries = to,
            0,
            rate,
        ),
        ("headers", |c, to| c.http.max_headers = to as usize, 16, 128),
        (
            "header_bytes",
            |c, to| c.http.max_head = to as usize,
            1_024,
            65_536,
        ),
        ("body_bytes", |c, to| c.http.max_body = to as usize, 1_024, 65_536),
        (
            "message_bytes",
            |c, to| c.max_message = to as usize,
            1_024,
            65_536,
        ),
    ];
    for (key, set, least, most) in cases {
        let with = |to| {
            let mut config = GatewayConfig::default();
            set(&mut config, to);
            config
        };
        assert_eq!(with(least).check(), Ok(()), "{key}");
        assert_eq!(with(most).check(), Ok(()), "{key}");
        for wrong in [least.wrapping_sub(1), most + 1] {
            refused(&format!("quotas.{key} is {wrong}: write"), &with(wrong));
        }
    }
}
