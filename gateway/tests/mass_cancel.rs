//! Cancels of many orders by many accounts at once.

mod common;

use common::World;
use common::http::{Client, limit};
use common::wait_until;
use common::ws::Ws;
use hoga_protocol::{CancelAll, Command};

const ACCOUNTS: usize = 10;
/// Each account has so many slices of orders.
const SLICES: usize = 3;
/// How many orders the commands that the gateway owes may cancel at once.
const UNDER_WAY: usize = 256;

#[test]
fn nobody_waits_for_all_the_slices_of_everybodys_cancels() {
    const SLICE: usize = CancelAll::MAX_ORDERS as usize;
    let world = World::new();
    let mut client = Client::connect(&world);
    let mut sessions = Vec::new();
    for account in 0..ACCOUNTS {
        let account = format!("a{account}");
        let body = limit(&account, "Buy", 1_000_000, "0.5");
        for _ in 0..SLICES * SLICE {
            assert_eq!(client.ask("POST", "/api/v1/orders", &body).status, 201);
        }
        sessions.push(Ws::connect(&world, &format!("/ws/orders?account={account}")));
    }
    world.matcher().paused = true;
    let mut sequenced = world.matcher().journal.len();
    let mut until = |more: usize, what: &str| {
        sequenced += more;
        wait_until(what, || world.matcher().journal.len() == sequenced);
        sequenced
    };
    for session in &mut sessions {
        session.send(r#"{"id":1,"op":"cancel_all"}"#);
    }
    // What is asked for is sequenced when it comes.
    let all = until(ACCOUNTS, "the first slices");
    world.matcher().step(all);
    until(UNDER_WAY / SLICE, "as many of the next as may be under way");
    let mut bob = Ws::connect(&world, "/ws/orders?account=bob");
    let order = limit("bob", "Buy", 1_000_000, "0.5").replace("\"account\":\"bob\",", "");
    bob.send(&format!(r#"{{"id":1,"op":"place",{}"#, &order[1..]));
    // Bob's account is opened, and he has his order, before the other slices.
    let all = until(2, "another client's order");
    assert!(matches!(world.matcher().journal[all - 1], Command::NewOrder(_)));
    world.matcher().step(all);
    assert_eq!(bob.json()["id"], 1);
    world.matcher().paused = false;
    for session in &mut sessions {
        let reply = std::iter::repeat_with(|| session.json()).find(|message| message["id"] == 1);
        assert_eq!(
            reply.map(|reply| reply["canceled"].clone()),
            Some((SLICES * SLICE).into())
        );
    }
    let matcher = world.matcher();
    let cancels = matcher.journal.iter();
    let cancels = cancels.filter(|command| matches!(command, Command::CancelAll(_)));
    assert_eq!(cancels.count(), ACCOUNTS * SLICES);
}
