//! What is tried: all but the last within the quotas that an exchange has by default.

use super::SYMBOL;
use super::crowd::{Crowd, Request, Source};
use crate::client::send;
use crate::failure::{Failure, Outcome};

/// Prices at which orders rest, a tick of 1,000 apart.
const LEVELS: u64 = 20_000;
/// Addresses that fill the venue.
const FILLERS: u8 = 128;
/// Accounts that hold orders: each may have 10,000.
const HOLDERS: u32 = 15;
/// The order that is sent once more when its id may have been forgotten.
const PRECIOUS: &str = "{\"account\":\"precious\",\"symbol\":\"BTC-KRW\",\"side\":\"Buy\",\"type\":\"Limit\",\"price\":1000,\
                        \"quantity\":0.001,\"time_in_force\":\"IOC\",\"client_order_id\":\"precious\"}";

/// One way to be in the way of others.
pub struct Attack {
    pub name: &'static str,
    pub about: &'static str,
    /// Addresses that attack.
    pub addresses: u8,
    /// Accounts of the order sessions.
    pub accounts: u32,
    /// Requests a second of all together.
    pub rate: u32,
    /// Whether every second connection of HTTP never reads its answers.
    pub slow: bool,
    /// What is there beforehand.
    pub first: fn(&Venue<'_>) -> Outcome<()>,
    /// What is put back before each pair of rounds.
    pub again: fn(&Venue<'_>) -> Outcome<()>,
    /// The n-th request.
    pub request: fn(&Venue<'_>, u64) -> Request,
    /// What must hold after a round.
    pub check: fn(&Venue<'_>) -> Outcome<()>,
}

/// The most sessions by which the orders of one account are placed while a venue is filled: with many more, who fills it has more
/// to read than a thread of the lowest priority can.
const SESSIONS_OF_ACCOUNT: u32 = 16;

/// Where it is tried.
pub struct Venue<'a> {
    pub address: &'a str,
    /// Percent of the orders, ids and instruments that shall be there.
    pub scale: u64,
    /// How many orders one command may touch.
    pub touched: u64,
}

impl Venue<'_> {
    fn fill(
        &self,
        account: &'static str,
        accounts: u32,
        count: u64,
        request: &dyn Fn(u64) -> Request,
    ) -> Outcome<()> {
        let crowd = Crowd::connect(Source {
            address: self.address,
            // Each session of an account is pushed all of the account's updates.
            addresses: FILLERS.min(u8::try_from(SESSIONS_OF_ACCOUNT * accounts).unwrap_or(FILLERS)),
            network: 1,
            account,
            accounts,
            slow: false,
        })?;
        crowd.fill(count * self.scale / 100, request)
    }

    fn rest(&self, count: u64) -> Outcome<()> {
        self.fill("holder", HOLDERS, count, &sell)
    }

    fn close(&self, accounts: u32, count: u64) -> Outcome<()> {
        self.fill("closer", accounts, count, &|number| {
            named(&format!("old-{number}"))
        })
    }
}

const NOTHING: Attack = Attack {
    name: "",
    about: "",
    addresses: 4,
    accounts: 1,
    rate: 500,
    slow: false,
    first: |_| Ok(()),
    again: |_| Ok(()),
    request: |_, _| get("/api/v1/time"),
    check: |_| Ok(()),
};

/// All of them.
pub const ATTACKS: [Attack; 9] = [
    Attack {
        name: "fok",
        about: "FOK orders that nothing fills, against a book of 20,000 levels",
        addresses: 1,
        first: |venue| venue.rest(LEVELS),
        request: |_, _| buy("FOK", 15_000),
        ..NOTHING
    },
    Attack {
        name: "market",
        about: "orders that take as much as one may, through 150,000 resting orders that are put back as fast as may be",
        addresses: 15,
        accounts: HOLDERS,
        rate: 7_020,
        again: |venue| venue.rest(150_000),
        // 20,000 orders a second are taken, whatever one may take at once, and 7,000 come.
        request: |venue, number| match number % (7 * venue.touched / 20 + 1) {
            0 => buy("IOC", venue.touched),
            _ => sell(number),
        },
        ..NOTHING
    },
    Attack {
        name: "expired",
        about: "a list of orders that no order is in, over 175,000 closed ones",
        addresses: 8,
        rate: 96,
        first: |venue| venue.close(1, 175_000),
        request: |_, _| get("/api/v1/orders?account=closer-0&status=Expired&limit=1000"),
        ..NOTHING
    },
    Attack {
        name: "ids",
        about: "new client order ids of 12 accounts, where a million are held; the id of a thirteenth is not forgotten",
        addresses: 12,
        accounts: 12,
        rate: 6_000,
        first: |venue| {
            let (status, body) = send(venue.address, "POST", "/api/v1/orders", PRECIOUS)?;
            match status {
                201 => venue.close(12, 1_000_000),
                _ => Err(Failure::new(format!("{status}: {body}"))),
            }
        },
        request: |_, number| named(&format!("{:x}-{number}", std::process::id())),
        check: |venue| {
            let (status, body) = send(venue.address, "POST", "/api/v1/orders", PRECIOUS)?;
            match status {
                200 | 400..500 => Ok(()),
                _ => Err(Failure::new(format!(
                    "an order was placed twice: {status}: {body}"
                ))),
            }
        },
        ..NOTHING
    },
    Attack {
        name: "deadlines",
        about: "cancel_all_after of invented accounts, that pass a second later",
        rate: 8_000,
        request: |_, number| {
            let body = format!("{{\"account\":\"invented-{number}\",\"timeout_ms\":1000}}");
            Request::Http("POST", "/api/v1/orders/cancel_all_after".to_owned(), body)
        },
        ..NOTHING
    },
    Attack {
        name: "mass-cancel",
        about: "15 accounts with 10,000 orders each cancel all, again and again",
        addresses: 15,
        accounts: HOLDERS,
        rate: 7_500,
        again: |venue| venue.rest(150_000),
        request: |_, number| match number / u64::from(HOLDERS) % 1_000 {
            0 => Request::Order("\"op\":\"cancel_all\"}".to_owned()),
            _ => sell(number),
        },
        ..NOTHING
    },
    Attack {
        name: "queries",
        about: "queries of every kind with the largest limits, half of whose answers nobody reads",
        addresses: 8,
        rate: 3_600,
        slow: true,
        first: |venue| venue.rest(LEVELS).and_then(|()| venue.close(1, 50_000)),
        request: |_, number| {
            const TARGETS: [&str; 8] = [
                "/api/v1/orders?account=closer-0&limit=1000",
                "/api/v1/orders?account=closer-0&symbol=ETH-KRW",
                "/api/v1/orders?account=holder-0&status=PartiallyFilled&limit=1000",
                "/api/v1/executions/BTC-KRW?limit=1000",
                "/api/v1/trades/BTC-KRW?limit=1000",
                "/api/v1/orderbook/BTC-KRW?depth=1000",
                "/api/v1/instruments",
                "/metrics",
            ];
            // Each address asks for each kind.
            get(TARGETS[(number / 8 % 8) as usize])
        },
        ..NOTHING
    },
    Attack {
        name: "instruments",
        about: "the list of 9,000 instruments",
        rate: 80,
        first: |venue| {
            venue.fill("nobody", 1, 9_000, &|number| {
                let body = format!(
                    "{{\"symbol\":\"I{number}\",\"tick_size\":1,\"lot_size\":1,\"quote_decimals\":0,\"min_quantity\":1,\
                     \"max_quantity\":1000,\"min_notional\":0,\"maker_fee\":0,\"taker_fee\":0}}"
                );
                Request::Http("POST", "/api/v1/admin/instruments".to_owned(), body)
            })
        },
        request: |_, _| get("/api/v1/instruments?limit=1000"),
        ..NOTHING
    },
    Attack {
        name: "flood",
        about: "one address that sends ten times its quotas, orders and cancels and queries",
        addresses: 1,
        rate: 35_000,
        request: |_, number| match number % 7 {
            0..2 => buy("IOC", 1_000),
            2..6 => Request::Order("\"op\":\"cancel_all\"}".to_owned()),
            _ => get("/api/v1/time"),
        },
        ..NOTHING
    },
];

fn get(target: &str) -> Request {
    Request::Http("GET", target.to_owned(), String::new())
}

fn place(side: &str, price: u64, quantity: &str, more: &str) -> Request {
    Request::Order(format!(
        "\"op\":\"place\",\"symbol\":\"{SYMBOL}\",\"side\":\"{side}\",\"type\":\"Limit\",\"price\":{price},\
         \"quantity\":{quantity}{more}}}"
    ))
}

/// An order that rests.
fn sell(number: u64) -> Request {
    place("Sell", 50_000_000 + number % LEVELS * 1_000, "0.001", "")
}

/// An order that takes so many of the orders that rest, from the best on.
fn buy(time_in_force: &str, orders: u64) -> Request {
    let more = format!(",\"time_in_force\":\"{time_in_force}\"");
    let quantity = format!("{}.{:03}", orders / 1_000, orders % 1_000);
    place("Buy", 80_000_000, &quantity, &more)
}

/// An order under an id that is canceled at once.
fn named(id: &str) -> Request {
    let more = format!(",\"time_in_force\":\"IOC\",\"client_order_id\":\"{id}\"");
    place("Buy", 1_000, "0.001", &more)
}
