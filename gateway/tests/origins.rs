//! Web pages of other origins that the operator has allowed.

mod common;

use common::http::{Client, Response};
use common::{Setup, World};
use hoga_gateway::GatewayConfig;

#[test]
fn a_page_that_the_operator_allows_is_not_kept_from_answers_and_no_other_reads_them() {
    let setup = Setup::default();
    let world = World::with(Setup {
        config: GatewayConfig {
            allowed_origins: vec!["https://desk.example.com".to_owned()],
            ..setup.config
        },
        ..Setup::default()
    });
    let ask = |method: &str, path: &str, headers: &str| {
        let mut client = Client::connect(&world);
        client.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        ));
        client.response()
    };
    let reader = |response: &Response| response.header("access-control-allow-origin").map(str::to_owned);
    let desk = "Origin: https://desk.example.com\r\n";
    let asks = "Access-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: hoga-key\r\n";
    let allowed = ask("OPTIONS", "/api/v1/orders/x", &format!("{desk}{asks}"));
    assert_eq!(
        (allowed.status, reader(&allowed).as_deref()),
        (200, Some("https://desk.example.com"))
    );
    for (name, value) in [
        ("access-control-allow-methods", "PATCH"),
        ("access-control-allow-headers", "Hoga-Signature"),
    ] {
        assert!(
            allowed.header(name).is_some_and(|list| list.contains(value)),
            "{allowed:?}"
        );
    }
    // Answers, errors among them, and what is public.
    for (path, status) in [
        ("/api/v1/orders", 200),
        ("/api/v1/orders/x", 404),
        ("/api/v1/time", 200),
    ] {
        let got = ask("GET", path, desk);
        assert_eq!(
            (got.status, reader(&got).as_deref()),
            (status, Some("https://desk.example.com"))
        );
        assert_eq!(got.header("vary"), Some("Origin"));
        let own = ask("GET", path, "");
        assert_eq!((own.status, reader(&own)), (status, None));
    }
    for origin in [
        "https://evil.example",
        "https://desk.example.com.evil.example",
        "null",
    ] {
        let foreign = format!("Origin: {origin}\r\n");
        let got = ask("OPTIONS", "/api/v1/orders", &format!("{foreign}{asks}"));
        assert_eq!((got.status, reader(&got)), (405, None), "{origin}");
        let got = ask("GET", "/api/v1/time", &foreign);
        assert_eq!((got.status, reader(&got)), (200, None), "{origin}");
    }
    // A question that is none is a method like any other.
    assert_eq!(ask("OPTIONS", "/api/v1/orders", desk).status, 405);
}
