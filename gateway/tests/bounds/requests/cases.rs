//! Every request, and what it may bring about.

use hoga_protocol::CancelAll;

use super::super::venue::{ASK, FORGOTTEN, MAKERS, Size, name};

/// Rows that one query looks at: at once, in each further visit, and in all.
const ROWS: u64 = 4_096;
const ROWS_PER_TURN: u64 = 64 + 1_024;
/// Price of a tick, and the lot that orders are counted in.
const TICK: i64 = 1_000;

/// How a case comes in.
pub enum Way {
    /// As a request of HTTP: method, target, body.
    Http(&'static str, String, String),
    /// As a message on the order session of the account that trades.
    Session(String),
    /// As the handshake of a WebSocket.
    Stream(String),
}

/// One request.
pub struct Case {
    pub name: &'static str,
    pub way: Way,
    /// What its answer must contain.
    pub answer: &'static str,
    /// Most commands that it may bring about.
    pub commands: u64,
    /// Most rows that it may look at, in all and in a turn.
    pub rows: u64,
    pub rows_per_turn: u64,
}

fn case(name: &'static str, way: Way, answer: &'static str, commands: u64, rows: u64) -> Case {
    Case {
        name,
        way,
        answer,
        commands,
        rows,
        rows_per_turn: ROWS_PER_TURN,
    }
}

/// The fields of an order of one lot and more, a hundred-millionth each.
pub fn order(side: &str, price: i64, lots: u64, more: &str) -> String {
    let price = price * TICK;
    format!(
        "\"symbol\":\"BTC-KRW\",\"side\":\"{side}\",\"type\":\"Limit\",\"price\":{price},\"quantity\":\"{}.{:08}\"{more}}}",
        lots / 100_000_000,
        lots % 100_000_000
    )
}

fn post(name: &'static str, path: &str, body: &str, answer: &'static str, commands: u64) -> Case {
    case(
        name,
        Way::Http("POST", format!("/api/v1/{path}"), body.to_owned()),
        answer,
        commands,
        0,
    )
}

fn get(name: &'static str, target: &str, rows: u64) -> Case {
    case(
        name,
        Way::Http("GET", format!("/api/v1/{target}"), String::new()),
        " 200 ",
        0,
        rows,
    )
}

fn session(name: &'static str, request: &str, answer: &'static str) -> Case {
    case(name, Way::Session(format!("{{\"id\":1,{request}")), answer, 1, 0)
}

/// What clients ask for that changes something. `mine` and `other` are live orders of the account that trades.
pub fn commands(size: &Size, mine: &str, other: &str) -> Vec<Case> {
    let me = name(FORGOTTEN);
    let far = ASK + 1_000_000;
    let sweep = u64::from(size.limits.max_touched_orders) * 100;
    let market = "\"symbol\":\"BTC-KRW\",\"side\":\"Buy\",\"type\":\"Market\",\"quantity\":1000}";
    let ioc = order("Buy", far, sweep, ",\"time_in_force\":\"IOC\"");
    let fok = order("Buy", far, sweep, ",\"time_in_force\":\"FOK\"");
    let passive = order("Buy", far, 1, ",\"post_only\":true");
    let http = |name, order: &str, answer| {
        post(
            name,
            "orders",
            &format!("{{\"account\":\"{me}\",{order}"),
            answer,
            1,
        )
    };
    let ws = |name, order: &str, answer| session(name, &format!("\"op\":\"place\",{order}"), answer);
    let slice = u64::from(CancelAll::MAX_ORDERS.min(size.limits.max_touched_orders));
    let slices = u64::from(size.limits.max_open_orders_per_account).div_ceil(slice) + 1;
    let all_of = |number| {
        Way::Http(
            "DELETE",
            format!("/api/v1/orders?account={}", name(number)),
            String::new(),
        )
    };
    let named = |price, id| {
        let more = format!(",\"time_in_force\":\"IOC\",\"client_order_id\":\"{id}\"");
        order("Buy", price, 1, &more)
    };
    let live = order("Buy", 1, 1, ",\"client_order_id\":\"live\"");
    let late = named(2, "y\",\"valid_until\":\"2023-01-01T00:00:00.000Z");
    let (fresh, known, reused) = (named(1, "x"), named(1, "x"), named(2, "x"));
    let invented = format!("{{\"account\":\"invented\",{}", order("Buy", 1, 1, ""));
    vec![
        http(
            "limit through the book",
            &order("Buy", far, sweep, ""),
            "Canceled",
        ),
        http("market through the book", market, "Canceled"),
        http("IOC through the book", &ioc, "Canceled"),
        http("FOK of too many orders", &fok, "Canceled"),
        http("post-only that would trade", &passive, "post_only_would_trade"),
        http("new client order id", &fresh, " 201 "),
        http("repeated client order id", &known, " 200 "),
        http("order that is not valid any more", &late, "expired_request"),
        http("reused client order id", &reused, "client_order_id_reused"),
        ws("session: market through the book", market, "Canceled"),
        ws("session: FOK of too many orders", &fok, "Canceled"),
        session(
            "session: replace",
            &format!("\"op\":\"replace\",\"order_id\":\"{mine}\",\"price\":1000}}"),
            "New",
        ),
        session(
            "session: cancel",
            &format!("\"op\":\"cancel\",\"order_id\":\"{mine}\"}}"),
            "Canceled",
        ),
        ws("session: order to be canceled by its id", &live, "New"),
        session(
            "session: cancel by client order id",
            "\"op\":\"cancel\",\"client_order_id\":\"live\"}",
            "Canceled",
        ),
        session(
            "session: cancel_all_after",
            "\"op\":\"cancel_all_after\",\"timeout_ms\":60000}",
            "deadline",
        ),
        case(
            "replace",
            Way::Http(
                "PATCH",
                format!("/api/v1/orders/{other}"),
                format!("{{\"account\":\"{me}\",\"price\":1000}}"),
            ),
            "New",
            1,
            0,
        ),
        case(
            "cancel",
            Way::Http(
                "DELETE",
                format!("/api/v1/orders/{other}?account={me}"),
                String::new(),
            ),
            "Canceled",
            1,
            0,
        ),
        case("cancel_all", all_of(MAKERS + 1), "canceled", slices, 0),
        case(
            "cancel_all of nobody",
            Way::Http("DELETE", "/api/v1/orders?account=invented".into(), String::new()),
            "\"canceled\":0",
            0,
            0,
        ),
        post(
            "cancel_all_after",
            "orders/cancel_all_after",
            &format!("{{\"account\":\"{me}\",\"timeout_ms\":60000}}"),
            "deadline",
            1,
        ),
        post("order of an invented account", "orders", &invented, "account", 2),
        post(
            "cancel_all_after of an invented account",
            "orders/cancel_all_after",
            "{\"account\":\"invented-too\",\"timeout_ms\":60000}",
            "account",
            0,
        ),
    ]
}

/// What operators ask for, and what ends the account's orders.
pub fn administration(size: &Size) -> Vec<Case> {
    let slice = u64::from(CancelAll::MAX_ORDERS.min(size.limits.max_touched_orders));
    let slices = u64::from(size.limits.max_open_orders_per_account).div_ceil(slice) + 1;
    let (me, maker) = (name(FORGOTTEN), name(MAKERS + 2));
    let define = "{\"symbol\":\"LAST-KRW\",\"tick_size\":1,\"lot_size\":1,\"quote_decimals\":4,\"min_quantity\":1,\
                  \"max_quantity\":1000,\"min_notional\":1,\"maker_fee\":0,\"taker_fee\":0}";
    let sequence = "sequence";
    vec![
        post("admin: define", "admin/instruments", define, sequence, 1),
        post(
            "admin: fees",
            "admin/fees",
            "{\"symbol\":\"BTC-KRW\",\"maker_fee\":0,\"taker_fee\":0.001}",
            sequence,
            1,
        ),
        post(
            "admin: instrument status",
            "admin/instrument_status",
            "{\"symbol\":\"BTC-KRW\",\"status\":\"Open\"}",
            sequence,
            1,
        ),
        post(
            "admin: account status",
            "admin/account_status",
            &format!("{{\"account\":\"{me}\",\"status\":\"Active\"}}"),
            sequence,
            1,
        ),
        post(
            "admin: account limits",
            "admin/account_limits",
            &format!("{{\"account\":\"{me}\",\"max_open_orders\":9}}"),
            sequence,
            1,
        ),
        post(
            "admin: cancel account",
            "admin/cancel_all",
            &format!("{{\"account\":\"{maker}\"}}"),
            "canceled",
            slices,
        ),
        post(
            "admin: cancel instrument",
            "admin/cancel_instrument",
            "{\"symbol\":\"BTC-KRW\"}",
            "canceled",
            u64::from(size.limits.max_open_orders).div_ceil(slice) + 1,
        ),
        post("admin: clock", "admin/clock", "{\"accept\":false}", "", 0),
        post(
            "admin: limits",
            "admin/limits",
            &format!("{{\"max_accounts\":{}}}", size.limits.max_accounts + 1),
            sequence,
            1,
        ),
        // Last, since its orders are canceled when it is lost.
        session(
            "session: cancel_on_disconnect",
            "\"op\":\"cancel_on_disconnect\",\"on\":true}",
            "true",
        ),
    ]
}

/// Every query, with the filters that find least and the largest limits.
pub fn queries(mine: &str, first: &str) -> Vec<Case> {
    let (me, maker) = (name(FORGOTTEN), name(MAKERS));
    vec![
        get(
            "orders that expired: none has",
            &format!("orders?account={me}&status=Expired&limit=1000"),
            ROWS,
        ),
        get(
            "orders of another instrument: none is",
            &format!("orders?account={me}&symbol=ETH-KRW"),
            ROWS,
        ),
        get(
            "closed orders",
            &format!("orders?account={me}&status=Closed&limit=1000"),
            ROWS,
        ),
        get(
            "open orders",
            &format!("orders?account={maker}&status=Open&limit=1000"),
            1_000,
        ),
        get(
            "partially filled orders",
            &format!("orders?account={maker}&status=PartiallyFilled&limit=1000"),
            ROWS,
        ),
        get("orders of nobody", "orders?account=invented", 0),
        get("one order", &format!("orders/{mine}?account={me}"), 0),
        get("executions", "executions/BTC-KRW?limit=1000", 1_000),
        get(
            "executions after the first",
            &format!("executions/BTC-KRW?limit=1000&after={first}"),
            1_001,
        ),
        get(
            "executions of a silent instrument",
            "executions/ETH-KRW?limit=1000",
            0,
        ),
        get("trades", "trades/BTC-KRW?limit=1000", 2_000),
        get("trades of a silent instrument", "trades/ETH-KRW?limit=1000", 0),
        // Its levels are those of one moment.
        Case {
            rows_per_turn: 2_000,
            ..get("order book", "orderbook/BTC-KRW?depth=1000", 2_000)
        },
        get("instruments", "instruments?limit=1000", 1_000),
        get("time", "time", 0),
    ]
}

/// Every stream, from as far back as it goes.
pub fn streams(first: &str, trade: &str, updates: &[(String, String); 2]) -> Vec<Case> {
    let stream = |name, path: String| case(name, Way::Stream(path), " 101 ", 0, 0);
    let after = |(path, after): &(String, String)| format!("{path}&after={after}");
    vec![
        stream(
            "stream: executions, all that are held",
            format!("/ws/executions?after={first}"),
        ),
        stream(
            "stream: executions of a silent instrument",
            format!("/ws/executions?symbol=ETH-KRW&after={first}"),
        ),
        stream(
            "stream: trades, all that are held",
            format!("/ws/trades?after={trade}"),
        ),
        stream("stream: order updates of one who trades", after(&updates[0])),
        stream(
            "stream: order updates of one whose orders rest",
            after(&updates[1]),
        ),
    ]
}
