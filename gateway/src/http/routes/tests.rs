//! Targets, well-formed and not.

use hoga_protocol::{AccountName, ClientOrderId, Sequence, Symbol};
use hoga_service::queries::StatusFilter;
use hoga_views::OrderStatus;
use proptest::prelude::*;

use super::{ENDPOINTS, route};
use crate::codec::tests::document::check_table;
use crate::codec::{ErrorCode, codes};
use crate::http::parameters::Parameters;

fn symbol(text: &str) -> Symbol {
    Symbol::new(text).unwrap()
}

fn account(text: &str) -> AccountName {
    AccountName::new(text).unwrap()
}

#[track_caller]
fn refused(method: &str, target: &str, code: ErrorCode, says: &str) {
    match route(method, target) {
        Err(error) if error.is(code) && error.message.contains(says) => {}
        other => panic!("{method} {target}: {other:?}, not {} saying {says:?}", code.code),
    }
}

fn none() -> Parameters {
    Parameters::default()
}

/// Endpoints that are reached, as methods and patterns, with the parameters that they get.
fn check(cases: &[(&str, &str, &str, Parameters)]) {
    for (method, target, endpoint, want) in cases {
        let (found, parameters) = route(method, target).unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(format!("{found:?}"), *endpoint, "{method} {target}");
        assert_eq!(parameters, *want, "{method} {target}");
    }
}

#[test]
fn every_endpoint_is_reached_with_its_defaults() {
    let id = "00000000-0007-8000-8000-00001234abcd";
    let order = &format!("/api/v1/orders/{id}");
    let of = || Parameters {
        order_id: Some(id.to_owned()),
        ..none()
    };
    let at_most = |limit| Parameters { limit, ..none() };
    let btc = |limit| Parameters {
        symbol: Some(symbol("BTC-KRW")),
        limit,
        ..none()
    };
    let named = |name: &str| Parameters {
        client_order_id: ClientOrderId::new(name).unwrap(),
        ..none()
    };
    let first = Parameters {
        after_trade: Some(0),
        ..btc(0)
    };
    let further = Parameters {
        cursor: Some("x".into()),
        ..at_most(2)
    };
    let desk = Parameters {
        account: Some(account("desk")),
        ..named("..")
    };
    let by_client_id = "/api/v1/orders/by_client_id?client_order_id=";
    check(&[
        ("GET", "/", "GET /", none()),
        ("HEAD", "/?", "GET /", none()),
        ("GET", "/ws/executions", "GET /ws/executions", none()),
        (
            "GET",
            "/ws/trades?symbol=BTC-KRW&after=0",
            "GET /ws/trades",
            first,
        ),
        (
            "GET",
            "/api/v1/trades/BTC-KRW?limit=7",
            "GET /api/v1/trades/{symbol}",
            btc(7),
        ),
        ("GET", "/ws/orders", "GET /ws/orders", none()),
        ("GET", "/ws/echo", "GET /ws/echo", none()),
        ("POST", "/api/v1/orders", "POST /api/v1/orders", none()),
        (
            "POST",
            "/api/v1/orders/cancel_all_after",
            "POST /api/v1/orders/cancel_all_after",
            none(),
        ),
        ("PATCH", order, "PATCH /api/v1/orders/{order_id}", of()),
        ("DELETE", order, "DELETE /api/v1/orders/{order_id}", of()),
        ("DELETE", "/api/v1/orders", "DELETE /api/v1/orders", none()),
        (
            "DELETE",
            &format!("{by_client_id}..&account=desk"),
            "DELETE /api/v1/orders/by_client_id",
            desk,
        ),
        (
            "HEAD",
            &format!("{by_client_id}a%2Fb%20%26%23"),
            "GET /api/v1/orders/by_client_id",
            named("a/b &#"),
        ),
        ("GET", order, "GET /api/v1/orders/{order_id}", of()),
        ("GET", "/api/v1/orders", "GET /api/v1/orders", at_most(100)),
        (
            "GET",
            "/api/v1/executions/BTC-KRW",
            "GET /api/v1/executions/{symbol}",
            btc(100),
        ),
        (
            "GET",
            "/api/v1/orderbook/BTC-KRW",
            "GET /api/v1/orderbook/{symbol}",
            btc(100),
        ),
        (
            "HEAD",
            "/api/v1/instruments",
            "GET /api/v1/instruments",
            at_most(1_000),
        ),
        (
            "GET",
            "/api/v1/instruments?cursor=x&limit=2",
            "GET /api/v1/instruments",
            further,
        ),
        ("GET", "/api/v1/time", "GET /api/v1/time", none()),
        ("POST", "/api/v1/admin/clock", "POST /api/v1/admin/clock", none()),
        ("GET", "/healthz", "GET /healthz", none()),
        ("HEAD", "/readyz", "GET /readyz", none()),
        ("GET", "/metrics", "GET /metrics", none()),
        ("HEAD", "/metrics/latency", "GET /metrics/latency", none()),
    ]);
}

#[test]
fn every_parameter_reaches_its_route() {
    let of = |symbol_of: &str| Parameters {
        symbol: Some(symbol(symbol_of)),
        ..none()
    };
    let desk = || Parameters {
        account: Some(account("desk")),
        ..none()
    };
    check(&[
        (
            "GET",
            "/ws/executions?symbol=BTC-KRW&after=x",
            "GET /ws/executions",
            Parameters {
                after_execution: Some("x".into()),
                ..of("BTC-KRW")
            },
        ),
        (
            "GET",
            "/ws/orders?account=a%40b&after=7",
            "GET /ws/orders",
            Parameters {
                account: Some(account("a@b")),
                after_sequence: Some((Sequence(7), None)),
                ..none()
            },
        ),
        (
            "GET",
            "/ws/orders?&after=281474976710655.16777215&",
            "GET /ws/orders",
            Parameters {
                after_sequence: Some((Sequence::MAX, Some((1 << 24) - 1))),
                ..none()
            },
        ),
        (
            "DELETE",
            "/api/v1/orders?symbol=ABC%2FX&account=desk",
            "DELETE /api/v1/orders",
            Parameters {
                symbol: Some(symbol("ABC/X")),
                ..desk()
            },
        ),
        (
            "GET",
            "/api/v1/orders?limit=1000&status=PartiallyFilled&account=desk&symbol=A",
            "GET /api/v1/orders",
            Parameters {
                symbol: Some(symbol("A")),
                status: Some(StatusFilter::Is(OrderStatus::PartiallyFilled)),
                limit: 1_000,
                ..desk()
            },
        ),
        (
            "GET",
            "/api/v1/executions/ABC%2fX?limit=1&after=y",
            "GET /api/v1/executions/{symbol}",
            Parameters {
                limit: 1,
                after_execution: Some("y".into()),
                ..of("ABC/X")
            },
        ),
        (
            "GET",
            "/api/v1/orderbook/A?depth=5",
            "GET /api/v1/orderbook/{symbol}",
            Parameters { limit: 5, ..of("A") },
        ),
        (
            "GET",
            "/api/v1/orders/x%2Fy?account=desk",
            "GET /api/v1/orders/{order_id}",
            Parameters {
                order_id: Some("x/y".into()),
                ..desk()
            },
        ),
    ]);
}

#[test]
fn the_documents_table_of_endpoints_is_that_of_the_code() {
    check_table("wire-protocol.md", "endpoints", &table_of_endpoints());
}

fn table_of_endpoints() -> String {
    let mut table = "| endpoint | query | key | quota | other origins |\n|---|---|---|---|---|\n".to_owned();
    for endpoint in ENDPOINTS {
        let takes: Vec<String> = (endpoint.takes.iter())
            .map(|parameter| format!("`{}`", parameter.name()))
            .collect();
        let permissions: Vec<String> = (endpoint.permissions.iter())
            .map(|permission| format!("`{}`", permission.name()))
            .collect();
        let key = match permissions.is_empty() {
            true => "none".to_owned(),
            false => permissions.join(" or "),
        };
        let origins = if endpoint.is_private { "kept out" } else { "let in" };
        let (takes, quota) = (takes.join(", "), endpoint.kind.name());
        table.push_str(&format!(
            "| `{endpoint:?}` | {takes} | {key} | {quota} | {origins} |\n"
        ));
    }
    table
}

#[test]
fn a_path_that_is_not_there_is_404_and_a_method_that_does_not_fit_405() {
    for path in [
        "",
        "/x",
        "//",
        "/healthz/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/orders/",
        "/api/v1/orders/a/b",
        "/api/v2/orders",
        "/API/v1/orders",
        "/ws",
        "/api/v1/executions",
        "/api/v1/executions/",
        "/api/v1/orderbook/A/b/c/d",
        "/%68ealthz",
        "*",
    ] {
        refused("GET", path, codes::NOT_FOUND, "");
    }
    let cases = [
        ("POST", "/", "GET, HEAD"),
        ("get", "/", "GET, HEAD"),
        ("HEAD", "/ws/orders", "GET"),
        ("PUT", "/api/v1/orders", "GET, HEAD, POST, DELETE"),
        ("OPTIONS", "/api/v1/orders", "GET, HEAD, POST, DELETE"),
        ("GET", "/api/v1/orders/cancel_all_after", "POST"),
        ("GET", "/api/v1/admin/fees", "POST"),
        ("POST", "/api/v1/orders/x", "GET, HEAD, PATCH, DELETE"),
        ("DELETE", "/api/v1/instruments", "GET, HEAD"),
    ];
    for (method, target, allow) in cases {
        refused(method, target, codes::METHOD_NOT_ALLOWED, allow);
        assert_eq!(
            route(method, target).unwrap_err().header,
            Some(("Allow", allow.into()))
        );
    }
}

#[test]
fn a_bad_query_is_refused_by_name() {
    let list = "/api/v1/orders";
    let book = "/api/v1/orderbook/BTC-KRW";
    let cases = [
        (
            list,
            "limit=0",
            codes::INVALID_PARAMETER,
            "limit: must be a whole number from 1 to 1000",
        ),
        (list, "limit=1001", codes::INVALID_PARAMETER, "limit"),
        (list, "limit=-1", codes::INVALID_PARAMETER, "limit"),
        (list, "limit=1e2", codes::INVALID_PARAMETER, "limit"),
        (list, "limit=%2B5", codes::INVALID_PARAMETER, "limit"),
        (list, "limit=", codes::INVALID_PARAMETER, "limit"),
        (
            list,
            "limit=99999999999999999999999",
            codes::INVALID_PARAMETER,
            "limit",
        ),
        (book, "depth=0", codes::INVALID_PARAMETER, "depth"),
        (book, "depth=1001", codes::INVALID_PARAMETER, "depth"),
        (book, "depth", codes::INVALID_PARAMETER, "depth"),
        (
            book,
            "limit=5",
            codes::UNKNOWN_PARAMETER,
            "limit: there is no such query parameter here; there is depth",
        ),
        (book, "Depth=5", codes::UNKNOWN_PARAMETER, "Depth: there"),
        (book, "de%20pth=5", codes::UNKNOWN_PARAMETER, "\"de pth\": there"),
        (
            list,
            "limit=5&limit=5",
            codes::INVALID_PARAMETER,
            "limit: given more than once",
        ),
        (
            list,
            "limit=5&%6cimit=5",
            codes::INVALID_PARAMETER,
            "more than once",
        ),
        (list, "status=open", codes::INVALID_PARAMETER, "PartiallyFilled"),
        (
            list,
            "account=",
            codes::INVALID_PARAMETER,
            "account: \"\" is empty",
        ),
        (list, "account=a+b", codes::INVALID_PARAMETER, "0x2b"),
        (
            list,
            "account=%zz",
            codes::INVALID_PARAMETER,
            "account: \"%zz\" is not well-formed percent-encoded",
        ),
        (
            list,
            "%zz=1",
            codes::INVALID_PARAMETER,
            "the query: \"%zz\" is not",
        ),
        (list, "account=%4", codes::INVALID_PARAMETER, "percent"),
        (list, "account=%ff", codes::INVALID_PARAMETER, "percent"),
        (list, "symbol=BTC%20KRW", codes::INVALID_PARAMETER, "symbol"),
        (
            list,
            "a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=&l=&m=&n=&o=&p=&q=",
            codes::INVALID_PARAMETER,
            "16 parameters",
        ),
        ("/", "utm_source=x", codes::UNKNOWN_PARAMETER, "there is none"),
        ("/ws/orders", "after=", codes::INVALID_PARAMETER, "after"),
        ("/ws/orders", "after=7.", codes::INVALID_PARAMETER, "after"),
        ("/ws/orders", "after=.7", codes::INVALID_PARAMETER, "after"),
        (
            "/ws/orders",
            "after=7.16777216",
            codes::INVALID_PARAMETER,
            "after",
        ),
        (
            "/ws/orders",
            "after=281474976710656",
            codes::INVALID_PARAMETER,
            "after",
        ),
        ("/ws/orders", "after=-7", codes::INVALID_PARAMETER, "after"),
    ];
    for (path, query, code, says) in cases {
        refused("GET", &format!("{path}?{query}"), code, says);
    }
    refused(
        "GET",
        "/api/v1/orderbook/BTC%20KRW",
        codes::INVALID_PARAMETER,
        "symbol",
    );
    refused(
        "GET",
        "/api/v1/executions/%C3",
        codes::INVALID_PARAMETER,
        "the path: \"%C3\" is not well-formed percent-encoded",
    );
    refused(
        "POST",
        "/api/v1/orders?account=x",
        codes::UNKNOWN_PARAMETER,
        "account",
    );
}

#[test]
fn order_entry_and_orders_are_private_and_market_data_is_not() {
    let order = "/api/v1/orders/x";
    let private = [
        ("GET", "/ws/orders"),
        ("POST", "/api/v1/orders"),
        ("PATCH", order),
        ("DELETE", order),
        ("GET", order),
        ("DELETE", "/api/v1/orders"),
        ("GET", "/api/v1/orders"),
        ("POST", "/api/v1/orders/cancel_all_after"),
        ("POST", "/api/v1/admin/instruments"),
        ("POST", "/api/v1/admin/fees"),
        ("POST", "/api/v1/admin/instrument_status"),
        ("POST", "/api/v1/admin/account_status"),
        ("POST", "/api/v1/admin/account_limits"),
        ("POST", "/api/v1/admin/cancel_all"),
    ];
    let public = [
        "/",
        "/ws/executions",
        "/ws/trades",
        "/api/v1/executions/A",
        "/api/v1/trades/A",
        "/api/v1/orderbook/A",
        "/api/v1/instruments",
        "/api/v1/time",
        "/healthz",
        "/readyz",
        "/metrics",
        "/metrics/latency",
    ];
    for (method, target) in private {
        assert!(route(method, target).unwrap().0.is_private, "{method} {target}");
    }
    for target in public {
        assert!(!route("GET", target).unwrap().0.is_private, "{target}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_target_panics(target in "[/a-z0-9%?=&.\u{80}-\u{ff}]{0,60}", method in "[A-Z]{0,8}") {
        let _ = (route(&method, &target), route("GET", &format!("/api/v1/orders{target}")));
    }

    #[test]
    fn any_text_survives_percent_encoding(text in "\\PC{1,20}") {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let (_, parameters) = route("GET", &format!("/ws/executions?after={encoded}")).unwrap();
        prop_assert_eq!(parameters.after_execution, Some(text));
    }
}

#[test]
fn a_mistyped_cancel_of_one_order_never_cancels_all() {
    for (target, code) in [
        ("/api/v1/orders?client_order_id=c-1", codes::UNKNOWN_PARAMETER),
        (
            "/api/v1/orders?account=desk&client_order_id=c-1",
            codes::UNKNOWN_PARAMETER,
        ),
        ("/api/v1/orders?order_id=c-1", codes::UNKNOWN_PARAMETER),
        ("/api/v1/orders/by_client_id", codes::INVALID_PARAMETER),
        (
            "/api/v1/orders/by_client_id?client_order_id=",
            codes::INVALID_PARAMETER,
        ),
        (
            "/api/v1/orders/by_client_id?account=desk",
            codes::INVALID_PARAMETER,
        ),
        (
            "/api/v1/orders/by_client_id?client_order_id=a&client_order_id=b",
            codes::INVALID_PARAMETER,
        ),
        (
            "/api/v1/orders/by_client_id?client_order_id=a&symbol=BTC-KRW",
            codes::UNKNOWN_PARAMETER,
        ),
        (
            "/api/v1/orders/by_client_id?client_order_id=%C3%A9",
            codes::INVALID_PARAMETER,
        ),
        ("/api/v1/orders/by_client_id/?client_order_id=a", codes::NOT_FOUND),
        ("/api/v1/orders/by_client_id/c-1", codes::NOT_FOUND),
        ("/api/v1/orders/?client_order_id=a", codes::NOT_FOUND),
    ] {
        refused("DELETE", target, code, "");
    }
    // A mistyped path is the id of an order that there is not.
    let (mistyped, _) = route("DELETE", "/api/v1/orders/by_clientid?account=desk").unwrap();
    assert_eq!(format!("{mistyped:?}"), "DELETE /api/v1/orders/{order_id}");
}
