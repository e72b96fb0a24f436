//! Targets, well-formed and not.

use hoga_protocol::{AccountName, ClientOrderId, Sequence, Symbol};
use hoga_service::queries::StatusFilter;
use hoga_views::OrderStatus;
use proptest::prelude::*;

use super::{Route, route};
use crate::codec::{ErrorCode, codes};

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

#[test]
fn every_endpoint_is_reached_with_its_defaults() {
    let order_id = || "00000000-0007-8000-8000-00001234abcd".to_owned();
    let order = format!("/api/v1/orders/{}", order_id());
    let cases = [
        ("GET", "/", Route::Page),
        ("HEAD", "/?", Route::Page),
        (
            "GET",
            "/ws/executions",
            Route::WsExecutions {
                symbol: None,
                after: None,
            },
        ),
        (
            "GET",
            "/ws/trades?symbol=BTC-KRW&after=0",
            Route::WsTrades {
                symbol: Some(Symbol::new("BTC-KRW").unwrap()),
                after: Some(0),
            },
        ),
        (
            "GET",
            "/api/v1/trades/BTC-KRW?limit=7",
            Route::Trades {
                symbol: Symbol::new("BTC-KRW").unwrap(),
                limit: 7,
                after: None,
                cursor: None,
            },
        ),
        (
            "GET",
            "/ws/orders",
            Route::WsOrders {
                account: None,
                after: None,
            },
        ),
        ("POST", "/api/v1/orders", Route::PlaceOrder),
        ("PATCH", &order, Route::ReplaceOrder { order_id: order_id() }),
        (
            "DELETE",
            &order,
            Route::CancelOrder {
                order_id: order_id(),
                account: None,
            },
        ),
        (
            "DELETE",
            "/api/v1/orders",
            Route::CancelAll {
                account: None,
                symbol: None,
            },
        ),
        (
            "DELETE",
            "/api/v1/orders/by_client_id?client_order_id=..&account=desk",
            Route::CancelByClientId {
                client_order_id: ClientOrderId::new("..").unwrap(),
                account: Some(account("desk")),
            },
        ),
        (
            "HEAD",
            "/api/v1/orders/by_client_id?client_order_id=a%2Fb%20%26%23",
            Route::GetByClientId {
                client_order_id: ClientOrderId::new("a/b &#").unwrap(),
                account: None,
            },
        ),
        (
            "GET",
            &order,
            Route::GetOrder {
                order_id: order_id(),
                account: None,
            },
        ),
        (
            "GET",
            "/api/v1/orders",
            Route::ListOrders {
                account: None,
                symbol: None,
                status: None,
                limit: 100,
                cursor: None,
            },
        ),
        (
            "GET",
            "/api/v1/executions/BTC-KRW",
            Route::Executions {
                symbol: symbol("BTC-KRW"),
                limit: 100,
                after: None,
                cursor: None,
            },
        ),
        (
            "GET",
            "/api/v1/orderbook/BTC-KRW",
            Route::OrderBook {
                symbol: symbol("BTC-KRW"),
                depth: 100,
            },
        ),
        (
            "HEAD",
            "/api/v1/instruments",
            Route::Instruments {
                limit: 1_000,
                cursor: None,
            },
        ),
        (
            "GET",
            "/api/v1/instruments?cursor=x&limit=2",
            Route::Instruments {
                limit: 2,
                cursor: Some("x".into()),
            },
        ),
        ("GET", "/api/v1/time", Route::Time),
        ("GET", "/healthz", Route::Healthz),
        ("HEAD", "/readyz", Route::Readyz),
        ("GET", "/metrics", Route::Metrics),
        ("HEAD", "/metrics/latency", Route::Latency),
    ];
    for (method, target, want) in cases {
        assert_eq!(route(method, target), Ok(want), "{method} {target}");
    }
}

#[test]
fn every_parameter_reaches_its_route() {
    let cases = [
        (
            "GET",
            "/ws/executions?symbol=BTC-KRW&after=x",
            Route::WsExecutions {
                symbol: Some(symbol("BTC-KRW")),
                after: Some("x".into()),
            },
        ),
        (
            "GET",
            "/ws/orders?account=a%40b&after=7",
            Route::WsOrders {
                account: Some(account("a@b")),
                after: Some((Sequence(7), None)),
            },
        ),
        (
            "GET",
            "/ws/orders?&after=281474976710655.16777215&",
            Route::WsOrders {
                account: None,
                after: Some((Sequence::MAX, Some((1 << 24) - 1))),
            },
        ),
        (
            "DELETE",
            "/api/v1/orders?symbol=ABC%2FX&account=desk",
            Route::CancelAll {
                account: Some(account("desk")),
                symbol: Some(symbol("ABC/X")),
            },
        ),
        (
            "GET",
            "/api/v1/orders?limit=1000&status=PartiallyFilled&account=desk&symbol=A",
            Route::ListOrders {
                account: Some(account("desk")),
                symbol: Some(symbol("A")),
                status: Some(StatusFilter::Is(OrderStatus::PartiallyFilled)),
                limit: 1000,
                cursor: None,
            },
        ),
        (
            "GET",
            "/api/v1/executions/ABC%2fX?limit=1&after=y",
            Route::Executions {
                symbol: symbol("ABC/X"),
                limit: 1,
                after: Some("y".into()),
                cursor: None,
            },
        ),
        (
            "GET",
            "/api/v1/orderbook/A?depth=5",
            Route::OrderBook {
                symbol: symbol("A"),
                depth: 5,
            },
        ),
        (
            "GET",
            "/api/v1/orders/x%2Fy?account=desk",
            Route::GetOrder {
                order_id: "x/y".into(),
                account: Some(account("desk")),
            },
        ),
    ];
    for (method, target, want) in cases {
        assert_eq!(route(method, target), Ok(want), "{method} {target}");
    }
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
        assert_eq!(route(method, target).unwrap_err().header, Some(("Allow", allow)));
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
        assert!(route(method, target).unwrap().is_private(), "{method} {target}");
    }
    for target in public {
        assert!(!route("GET", target).unwrap().is_private(), "{target}");
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
        let want = Route::WsExecutions { symbol: None, after: Some(text) };
        prop_assert_eq!(route("GET", &format!("/ws/executions?after={encoded}")), Ok(want));
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
    let mistyped = route("DELETE", "/api/v1/orders/by_clientid?account=desk");
    assert!(matches!(mistyped, Ok(Route::CancelOrder { .. })), "{mistyped:?}");
}
