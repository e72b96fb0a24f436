//! The gateway that a session is played to, and what its operator, its clock and the exchange behind it do.
//!
//! ```text
//! clock +MS | system SECONDS             the clock goes on; the system's clock is so far ahead of it
//! open | announce | drain | close-all    ends recovery; /readyz says so; no more commands; goes away
//! pause | step N | resume                commands are sequenced and not matched; the first N of all are; all are
//! lose                                   the first command that waits has no events
//! refuse orders|cancels busy|full        what the journal refuses; accept ends that
//! hold | release | room N                signatures wait to be verified, at most N
//! hold-pages | release-pages             pages about the exchange wait
//! key NAME ACCOUNT PERMISSIONS [MS]      one more key, which expires after MS
//! revoke NAME | reassign NAME ACCOUNT    a key ends, or becomes another account's
//! arm ACCOUNT COUNT | disarm ACCOUNT ARMING    commands that the exchange sequences by itself, of accounts by number
//! until COUNTER N                        waits for connections, subscribers, sessions, backlog or requests
//! ```

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hoga_gateway::{GatewayStats, Page, Printed, Telemetry, Ticket, TurnTimes};
use hoga_protocol::{AccountId, AccountName, Arm, ArmCause, Command, Disarm, Nanos, Sequence};
use hoga_service::{Permission, Refusal};

use crate::common::World;
use crate::common::guarded::Guarded;
use crate::settings::Settings;

/// A gateway, with or without authentication.
enum Gateway {
    Plain(World),
    Guarded(Guarded),
}

/// A gateway and who else is there.
pub struct Stage {
    gateway: Gateway,
    pages: Printer,
    /// The names of the holders of keys, in the order of `Guarded`.
    holders: Vec<String>,
    /// The headers that were signed last.
    pub signed: String,
}

impl Stage {
    pub fn new(settings: Settings) -> Self {
        let pages = Printer::default();
        pages.0.lock().unwrap().page_bytes = settings.page_bytes;
        let gateway = if settings.auth {
            let config = settings.setup.config;
            Gateway::Guarded(Guarded::with(|of_guarded| *of_guarded = config))
        } else {
            Gateway::Plain(World::with(settings.setup))
        };
        let stage = Self {
            gateway,
            pages: pages.clone(),
            holders: ["alice", "bob", "carol", "dave"].map(str::to_owned).into(),
            signed: String::new(),
        };
        if settings.observed {
            stage.world().ask(move |gateway| gateway.observe(Box::new(pages)));
        }
        stage
    }

    pub fn world(&self) -> &World {
        match &self.gateway {
            Gateway::Plain(world) => world,
            Gateway::Guarded(guarded) => &guarded.world,
        }
    }

    fn world_mut(&mut self) -> &mut World {
        match &mut self.gateway {
            Gateway::Plain(world) => world,
            Gateway::Guarded(guarded) => &mut guarded.world,
        }
    }

    fn guarded(&mut self) -> &mut Guarded {
        match &mut self.gateway {
            Gateway::Guarded(guarded) => guarded,
            Gateway::Plain(_) => panic!("this world is without authentication"),
        }
    }

    /// The headers that `holder` signs, so many milliseconds from now; `again` are the last ones.
    pub fn sign(&mut self, holder: &str, method: &str, target: &str, body: &str, from_now: i64) -> String {
        if holder != "again" {
            let who = self.number_of(holder);
            // No two signatures of one millisecond are alike.
            self.world().advance(Duration::from_millis(1));
            let guarded = self.guarded();
            self.signed = guarded.holders[who].headers(guarded, method, target, body, from_now);
        }
        self.signed.clone()
    }

    /// A first message that `holder` signs.
    pub fn first_message(&mut self, holder: &str, target: &str, from_now: i64) -> String {
        let headers = self.sign(holder, "GET", target, "", from_now);
        let values: Vec<&str> = headers
            .lines()
            .map(|line| line.split_once(": ").unwrap().1)
            .collect();
        format!(
            r#"{{"op":"auth","key":"{}","timestamp":{},"signature":"{}"}}"#,
            values[0], values[1], values[2]
        )
    }

    fn number_of(&self, holder: &str) -> usize {
        let mut holders = self.holders.iter();
        holders
            .position(|name| name == holder)
            .unwrap_or_else(|| panic!("{holder} has no key"))
    }

    /// Carries out a step of the operator, the clock or the exchange.
    pub fn act(&mut self, words: &[&str]) {
        let number = |text: &str| text.parse::<u64>().unwrap();
        match *words {
            ["clock", by] => self.world().advance(Duration::from_millis(number(&by[1..]))),
            ["system", seconds] => self.world().set_system(seconds.parse().unwrap()),
            ["open"] => self.world_mut().open(),
            ["announce"] => self.world().ask(|gateway| gateway.announce_drain()),
            ["drain"] => self.world().ask(|gateway| gateway.begin_drain()),
            ["close-all"] => self.world().ask(|gateway| gateway.close_all()),
            ["pause"] => self.world().matcher().paused = true,
            ["resume"] => self.world().matcher().paused = false,
            ["lose"] => drop(self.world().matcher().waiting.pop_front()),
            ["step", count] => self.world().matcher().step(number(count) as usize),
            ["refuse", which, why] => {
                let refusal = match why {
                    "busy" => Refusal::Busy,
                    _ => Refusal::CancelOnly,
                };
                self.world().matcher().refuse[usize::from(which == "cancels")] = Some(refusal);
            }
            ["accept"] => self.world().matcher().refuse = [None; 2],
            ["hold"] => self.guarded().bench.0.lock().unwrap().held = true,
            ["release"] => self.guarded().bench.0.lock().unwrap().held = false,
            ["room", count] => self.guarded().bench.0.lock().unwrap().room = number(count) as usize,
            ["hold-pages"] => self.pages.0.lock().unwrap().held = true,
            ["release-pages"] => self.pages.0.lock().unwrap().held = false,
            ["key" | "revoke" | "reassign", ref of_key @ ..] => self.change_key(words[0], of_key),
            ["arm" | "disarm", account, what] => {
                self.sequence(words[0], AccountId(number(account) as u32), number(what))
            }
            ["until", counter, wanted] => self.until(counter, number(wanted)),
            ["settle"] => {}
            _ => panic!("no such step"),
        }
        self.world().settle();
    }

    fn change_key(&mut self, what: &str, words: &[&str]) {
        if what == "key" {
            let permissions: Vec<Permission> = words[2].split(',').map(permission).collect();
            let now = self.world().ask(|gateway| gateway.wall()).0;
            let expires = words
                .get(3)
                .map(|after| Nanos(now + after.parse::<u64>().unwrap() * 1_000_000));
            self.guarded().register(words[1], &permissions, expires);
            self.holders.push(words[0].to_owned());
            return;
        }
        let who = self.number_of(words[0]);
        let (generation, keys) = &mut *self.guarded().keys.0.lock().unwrap();
        *generation += 1;
        match what {
            "revoke" => keys[who].revoked = Some(Nanos(1)),
            _ => keys[who].account = AccountName::new(words[1]).unwrap(),
        }
    }

    fn sequence(&mut self, what: &str, account: AccountId, number: u64) {
        let mut matcher = self.world().matcher();
        if what == "disarm" {
            let arming = Sequence(number);
            matcher.sequence(&Command::Disarm(Disarm { account, arming }));
            return;
        }
        let cause = ArmCause::Disconnect;
        for _ in 0..number {
            matcher.sequence(&Command::Arm(Arm { account, cause }));
        }
    }

    fn until(&self, counter: &str, wanted: u64) {
        let count = |stats: &GatewayStats| match counter {
            "connections" => stats.connections as u64,
            "subscribers" => stats.subscribers as u64,
            "sessions" => stats.sessions as u64,
            "backlog" => stats.backlog as u64,
            "requests" => stats.requests,
            _ => panic!("{counter} is no counter"),
        };
        self.world().until(counter, |stats| count(stats) == wanted);
    }
}

fn permission(name: &str) -> Permission {
    match name {
        "read" => Permission::Read,
        "trade" => Permission::Trade,
        "drop_copy" => Permission::DropCopy,
        "admin" => Permission::Admin,
        _ => panic!("{name} is no permission"),
    }
}

/// The pages that were asked for, and whether they wait.
#[derive(Default)]
struct Pages {
    asked: Vec<(Ticket, Page)>,
    held: bool,
    page_bytes: usize,
}

/// Makes pages about the exchange that say no more than which they are, at most two at once.
#[derive(Clone, Default)]
struct Printer(Arc<Mutex<Pages>>);

impl Telemetry for Printer {
    fn turned(&mut self, _times: TurnTimes, _stats: &GatewayStats) {}

    fn ask(&mut self, ticket: Ticket, page: Page) -> bool {
        let pages = &mut *self.0.lock().unwrap();
        let taken = pages.asked.len() < 2;
        if taken {
            pages.asked.push((ticket, page));
        }
        taken
    }

    fn printed(&mut self) -> Option<Printed> {
        let pages = &mut *self.0.lock().unwrap();
        if pages.held || pages.asked.is_empty() {
            return None;
        }
        let (ticket, page) = pages.asked.remove(0);
        let mut body = format!("{page:?}\n").into_bytes();
        body.resize(body.len().max(pages.page_bytes), b'.');
        Some(Printed {
            ticket,
            content_type: "text/x-page",
            body,
        })
    }
}
