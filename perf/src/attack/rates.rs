//! More requests than an address or an account may send in a second.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::arena::{CANCEL_ALL, ORDER, ORDERS, SESSION, alike, handshake, request};
use super::socket::{FIN, Socket, TEXT};
use super::table::{Attack, line};
use super::wire::Wire;
use crate::failure::{Failure, Outcome};

/// Requests that are sent before their answers are read.
const BATCH: usize = 50;
/// After so many requests that were all taken, none is going to be refused.
const MOST: usize = 20_000;
/// Orders that an account may send in a second.
const QUOTA: usize = 1_000;
/// A refusal.
const REFUSED: &str = "429 too_many_requests";

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "more orders than an address may send",
        "unsigned ones over one connection, then one over another",
        "401 unauthenticated; 429 too_many_requests; another connection: 429 too_many_requests",
        |arena| {
            let origin = arena.origin();
            let order = request("POST", ORDERS, ORDER.as_bytes(), "");
            let mut wire = Wire::connect(arena.guarded, origin, false)?;
            let told = flood(&mut wire, || order.clone());
            // Of the next ones some are taken, as time goes by: about one in a millisecond.
            let mut other = Wire::connect(arena.guarded, origin, false)?;
            let another = flood(&mut other, || order.clone());
            Ok(format!("{told}; another connection: {}", last(&another)))
        },
    ),
    line(
        "cancels behind a flood of orders",
        "orders over a WebSocket until one is refused, then `cancel_all` on it; without authentication",
        "reply; reply too_many_requests; cancel_all: reply",
        |arena| {
            let mut socket = session(arena.trusting, arena.origin(), "/ws/orders?account=flood", "")?;
            let told = place(&mut socket).0;
            socket.say(CANCEL_ALL);
            Ok(format!("{told}; cancel_all: {}", socket.told()))
        },
    ),
    line(
        "another address beside a flood",
        "a look at the time from another address, while the first is refused",
        "401 unauthenticated; 429 too_many_requests; another address: 200",
        |arena| {
            let order = request("POST", ORDERS, ORDER.as_bytes(), "");
            let told = flood(&mut arena.connect()?, || order.clone());
            let other = arena.ask("GET /api/v1/time HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            Ok(format!("{told}; another address: {other}"))
        },
    ),
    line(
        "what a refusal says",
        "orders until one is refused",
        "Retry-After: 1, RateLimit-Policy: \"orders\";q=1000;w=1, RateLimit: \"orders\";r=0;t=1",
        |arena| {
            let mut wire = arena.connect()?;
            let order = request("POST", ORDERS, ORDER.as_bytes(), "");
            for _ in 0..MOST / BATCH {
                wire.send(order.repeat(BATCH));
                for _ in 0..BATCH {
                    let Some(answer) = wire.answer().filter(|answer| answer.status == 429) else {
                        continue;
                    };
                    let value = |name: &str| answer.header(name).unwrap_or("missing").to_owned();
                    return Ok(format!(
                        "Retry-After: {}, RateLimit-Policy: {}, RateLimit: {}",
                        value("retry-after"),
                        value("ratelimit-policy"),
                        value("ratelimit"),
                    ));
                }
            }
            Ok("never refused".to_owned())
        },
    ),
    line(
        "more orders than an account may send",
        "over a WebSocket until one is refused, and then over another from another address",
        "reply; reply too_many_requests; from another address: refused at once",
        |arena| {
            let own = arena.keys.greedy.sign("GET", SESSION, b"").headers();
            let mut socket = session(arena.guarded, arena.origin(), SESSION, &own)?;
            let told = place(&mut socket).0;
            let own = arena.keys.greedy.sign("GET", SESSION, b"").headers();
            let mut other = session(arena.guarded, arena.origin(), SESSION, &own)?;
            // A few are taken, as time goes by.
            let others = match place(&mut other).1 {
                taken if taken < QUOTA / 2 => "refused at once".to_owned(),
                taken => format!("refused behind {taken}"),
            };
            Ok(format!("{told}; from another address: {others}"))
        },
    ),
    line(
        "more WebSockets than an account may have",
        "one more than 40 from several addresses, by the handshake and by the first message",
        "429 too_many_of_account; close 1013 too_many_of_account; closed one: opened",
        |arena| {
            let own = || arena.keys.greedy.sign("GET", SESSION, b"");
            let mut held = Vec::new();
            for number in 0..MOST_WEBSOCKETS {
                let origin = Ipv4Addr::new(127, 2, 0, 1 + (number / 10) as u8);
                held.push(session(arena.guarded, origin, SESSION, &own().headers())?);
            }
            let more = || arena.socket(SESSION, &own().headers());
            let refused = more()?.err().unwrap_or_else(|| "opened".to_owned());
            let mut late = arena.socket(SESSION, "")?.map_err(|told| {
                Failure::new(format!("a handshake without credentials was answered {told}"))
            })?;
            late.say(&own().message());
            let closed = late.told();
            held.pop();
            // The exchange sees the end when it comes.
            let mut again = String::new();
            for _ in 0..100 {
                again = more()?.err().unwrap_or_else(|| "opened".to_owned());
                if again == "opened" {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Ok(format!("{refused}; {closed}; closed one: {again}"))
        },
    ),
];

/// What `quotas.websockets_per_account` is set to.
const MOST_WEBSOCKETS: usize = 40;

/// Sends requests until one is refused. The kinds of answers there were, in their order.
fn flood(wire: &mut Wire, mut next: impl FnMut() -> Vec<u8>) -> String {
    let mut told = Vec::new();
    for _ in 0..MOST / BATCH {
        for _ in 0..BATCH {
            wire.send(next());
        }
        for _ in 0..BATCH {
            told.push(
                wire.answer()
                    .map_or_else(|| "closed".to_owned(), |answer| answer.text()),
            );
        }
        if told.iter().any(|told| told == REFUSED) {
            break;
        }
    }
    until_refused(told, REFUSED)
}

/// Places orders until one is refused. The kinds of replies there were, in their order, and how many orders were taken.
fn place(socket: &mut Socket) -> (String, usize) {
    const TOO_MANY: &str = "reply too_many_requests";
    let order = ORDER.replace(
        "\"quantity\":0.001",
        "\"quantity\":0.001,\"time_in_force\":\"IOC\"",
    );
    let mut told = Vec::new();
    for _ in 0..MOST / BATCH {
        for id in 0..BATCH {
            socket.say(&format!(r#"{{"id":{id},"op":"place",{}"#, &order[1..]));
        }
        let mut replies = 0;
        while replies < BATCH {
            let Some(frame) = socket.next() else {
                return (alike(told) + "; closed", 0);
            };
            let text = String::from_utf8_lossy(&frame.payload).into_owned();
            if frame.first != FIN | TEXT || !text.starts_with("{\"id\":") {
                continue;
            }
            replies += 1;
            let is_refused = text.contains("\"code\":\"too_many_requests\"");
            told.push(if is_refused { TOO_MANY } else { "reply" }.to_owned());
        }
        if told.iter().any(|told| told == TOO_MANY) {
            break;
        }
    }
    let taken = told.iter().filter(|told| *told == "reply").count();
    (until_refused(told, TOO_MANY), taken)
}

/// The kinds of answers up to the first refusal: behind that one or the other is taken, as time goes by.
fn until_refused(mut told: Vec<String>, refused: &str) -> String {
    if let Some(at) = told.iter().position(|told| told == refused) {
        told.truncate(at + 1);
    }
    alike(told)
}

fn last(told: &str) -> &str {
    told.rsplit("; ").next().unwrap_or(told)
}

/// A WebSocket from `origin`.
fn session(to: SocketAddrV4, origin: Ipv4Addr, target: &str, headers: &str) -> Outcome<Socket> {
    let wire = Wire::connect(to, origin, false)?;
    Socket::open(wire, &handshake(target, headers))
        .map_err(|told| Failure::new(format!("a handshake was answered {told}")))
}
