//! `soak`: an exchange of its own under all kinds of clients that come and go for a long time. What its memory and its descriptors
//! come to must stay flat, and what every reader heard must be a part of what was executed, without a gap or a repeat.

mod random;

mod client;

mod history;

mod judge;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cli::{Durability, HostArgs, Idle, Layout, SoakArgs};
use crate::crowd::Member;
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::host::Host;
use crate::progress::Stop;
use client::{Client, Ended, KINDS, Kind, heard, offer, reader};
use history::{History, Part, Verdict};
use judge::{Sample, faults};
use random::Random;

/// Every client has one turn in this time.
const TURN: Duration = Duration::from_millis(20);
/// The longest that a client stays.
const LONGEST: u64 = 30_000;
/// Clients of a kind that come in one turn at most.
const COMERS: usize = 2;
/// How long the exchange has to let go of those who have left.
const FAREWELL: Duration = Duration::from_secs(60);
/// Looks that judge, at least, over the whole time.
const LOOKS: u32 = 40;
/// Failures that are told in full.
const TOLD: usize = 20;

/// Limits so small that all is full long before the second quarter, times so short that every one of them passes often, and a
/// snapshot often enough that there are some in every quarter.
const SETTINGS: [(&str, &str); 16] = [
    ("LIMITS__MAX_ACCOUNTS", "200"),
    ("LIMITS__MAX_OPEN_ORDERS", "20000"),
    ("LIMITS__CLIENT_IDS_PER_ACCOUNT", "200"),
    ("LIMITS__CLIENT_IDS_TOTAL", "2000"),
    ("VIEWS__EXECUTIONS", "65544"),
    ("VIEWS__CLOSED_ORDERS", "2000"),
    ("VIEWS__ORDER_UPDATES", "65544"),
    ("GATEWAY__STREAM_FRAMES", "4096"),
    ("GATEWAY__MAX_CONNECTIONS", "2000"),
    ("GATEWAY__WRITE_STALL_MS", "3000"),
    ("GATEWAY__HEADER_TIMEOUT_MS", "3000"),
    ("GATEWAY__IDLE_TIMEOUT_MS", "5000"),
    ("GATEWAY__PING_AFTER_MS", "4000"),
    ("GATEWAY__CLOSE_AFTER_MS", "12000"),
    ("FOLLOWER__SNAPSHOT_SECONDS", "10"),
    ("FOLLOWER__SNAPSHOT_COMMANDS", "20000"),
];

/// Runs the command; `Ok(false)` when something grew, a reader did not hear what it should, or it was cut short.
///
/// # Errors
/// When the exchange cannot be started, ends, or refuses clients.
pub fn run(args: &SoakArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    files::raise_limit(1_000)?;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = args.seed.unwrap_or(clock.as_nanos() as u64);
    print!("{}", Environment::read().text());
    let host_args = HostArgs {
        hoga: args.hoga.clone(),
        data_dir: args.data_dir.clone(),
        idle: Idle::Ladder,
        layout: Layout::Auto,
        cores: Vec::new(),
    };
    let settings = SETTINGS.map(|(key, value)| (key, value.to_owned()));
    let host = Host::start(&host_args, Durability::PageCache, &settings)?;
    println!(
        "seed       {seed}\nexchange   process {} at {}",
        host.pid(),
        host.address
    );
    let length = Duration::from_secs(60) * args.minutes;
    let every = Duration::from_secs(u64::from(args.every));
    let is_sound = Soak::new(&host.address, host.pid(), seed)?.run(length, every, &stop)?;
    println!("  {}", host.stop()?);
    println!(
        "{}",
        match (is_sound, stop.is_set()) {
            (_, true) => "stopped before the end: nothing is judged",
            (true, _) => "PASS",
            (false, _) => "FAIL",
        }
    );
    Ok(is_sound && !stop.is_set())
}

struct Soak<'a> {
    address: &'a str,
    pid: u32,
    begin: Instant,
    random: Random,
    /// Every client with its kind and the end of its time.
    clients: Vec<(Kind, Instant, Client)>,
    /// The reader that never leaves.
    reference: Member,
    history: History,
    /// What those heard who left, and the reference has not.
    undecided: Vec<Part>,
    verdicts: BTreeMap<&'static str, u64>,
    failures: Vec<String>,
    buffer: Vec<u8>,
}

impl<'a> Soak<'a> {
    fn new(address: &'a str, pid: u32, seed: u64) -> Outcome<Self> {
        let mut reference = reader(address, offer((0, false)), None)?;
        if let Some(checked) = &mut reference.checked {
            checked.ids = Some(Vec::new());
        }
        Ok(Self {
            address,
            pid,
            begin: Instant::now(),
            random: Random::new(seed),
            clients: Vec::new(),
            reference,
            history: History::default(),
            undecided: Vec::new(),
            verdicts: BTreeMap::new(),
            failures: Vec::new(),
            buffer: vec![0; 256 << 10],
        })
    }

    fn run(mut self, length: Duration, every: Duration, stop: &Stop) -> Outcome<bool> {
        let start = self.look(&Sample::UNTOLD)?;
        println!("{}", start.text());
        let mut latest = start;
        let between = (length / LOOKS).min(Duration::from_secs(10));
        let (mut samples, mut shown) = (Vec::<Sample>::new(), Duration::ZERO);
        while self.begin.elapsed() < length && !stop.is_set() {
            let turn = Instant::now();
            self.come();
            self.turns()?;
            self.decide();
            let at = self.begin.elapsed();
            if at >= between * (samples.len() as u32 + 1) {
                let sample = self.look(&latest)?;
                latest = sample;
                if at >= shown + every {
                    shown += every;
                    println!("{}", sample.text());
                }
                samples.push(sample);
            }
            std::thread::sleep(TURN.saturating_sub(turn.elapsed()));
        }
        let end = self.leave(&start)?;
        println!("{}", end.text());
        for (verdict, count) in &self.verdicts {
            println!("  readers, {verdict:<48} {count}");
        }
        if !stop.is_set() {
            self.failures.extend(faults(&start, &samples, &end));
        }
        for failure in self.failures.iter().take(TOLD) {
            println!("  {failure}");
        }
        Ok(self.failures.is_empty() && self.verdicts.contains_key("exact"))
    }

    fn look(&self, earlier: &Sample) -> Outcome<Sample> {
        Sample::take(self.begin.elapsed(), self.pid, self.address, earlier)
            .ok_or_else(|| Failure::new("the exchange is gone, or the system tells nothing of it"))
    }

    /// Fills up the kinds of which some have left.
    fn come(&mut self) {
        for (kind, want) in KINDS {
            let there = self.clients.iter().filter(|(one, ..)| *one == kind).count();
            for _ in 0..want.saturating_sub(there).min(COMERS) {
                // One reader in three resumes after one of the last thousand executions.
                let resumes = matches!(kind, Kind::Reader(_)) && self.random.below(3) == 0;
                let back = self.random.below(1_000) as usize;
                let after = resumes.then(|| self.history.before_last(back)).flatten();
                match Client::connect(kind, self.address, after, &mut self.random) {
                    Ok(client) => {
                        let stays = Duration::from_millis(200 + self.random.below(LONGEST));
                        self.clients.push((kind, Instant::now() + stays, client));
                    }
                    Err(failure) => self.failures.push(format!("{kind:?} cannot come: {failure}")),
                }
            }
        }
    }

    fn turns(&mut self) -> Outcome<()> {
        self.reference.read(&mut self.buffer)?;
        if let Ended::Wrong(why) = heard(&self.reference, None) {
            return Err(Failure::new(format!("the reader that never leaves: {why}")));
        }
        let ids = self
            .reference
            .checked
            .as_mut()
            .and_then(|checked| checked.ids.as_mut());
        for id in ids.into_iter().flat_map(|ids| ids.drain(..)) {
            self.history.add(id);
        }
        let (now, mut at) = (Instant::now(), 0);
        while at < self.clients.len() {
            let (kind, until, client) = &mut self.clients[at];
            let may_be_ended = matches!(kind, Kind::Poller);
            let turned = client.turn(self.address, &mut self.buffer, &mut self.random);
            let is_over = now >= *until;
            match turned {
                Ok(true) if !is_over => {
                    at += 1;
                    continue;
                }
                Ok(is_open) if is_open || may_be_ended || matches!(kind, Kind::Reader(_)) => {}
                Ok(_) => self.failures.push(format!("{kind:?} was ended by the exchange")),
                Err(failure) => self.failures.push(format!("{kind:?}: {failure}")),
            }
            let (kind, _, client) = self.clients.swap_remove(at);
            self.ended(kind, client);
        }
        Ok(())
    }

    fn ended(&mut self, kind: Kind, client: Client) {
        match client.end() {
            None => {}
            Some(Ended::Heard(part)) => self.undecided.push(part),
            Some(Ended::HeardNothing) => *self.verdicts.entry("left before anything came").or_default() += 1,
            Some(Ended::Wrong(why)) => self.failures.push(format!("{kind:?}: {why}")),
        }
    }

    /// Holds what those heard who left against what was executed.
    fn decide(&mut self) {
        for part in std::mem::take(&mut self.undecided) {
            let name = match self.history.judge(&part) {
                Verdict::NotYet => {
                    self.undecided.push(part);
                    continue;
                }
                Verdict::Exact => "exact",
                Verdict::Forgotten => "too old to be judged",
                Verdict::Wrong => {
                    self.failures
                        .push(format!("a reader heard what was not executed so: {part:?}"));
                    "WRONG"
                }
            };
            *self.verdicts.entry(name).or_default() += 1;
        }
    }

    /// Everybody leaves; what the exchange has once it has noticed.
    fn leave(&mut self, start: &Sample) -> Outcome<Sample> {
        for (kind, _, client) in std::mem::take(&mut self.clients) {
            self.ended(kind, client);
        }
        let deadline = Instant::now() + FAREWELL;
        loop {
            self.turns()?;
            self.decide();
            // Whoever is asked by nobody else tells.
            let end = self.look(&Sample::UNTOLD)?;
            let is_calm = end.connections <= start.connections && self.undecided.is_empty();
            if is_calm || Instant::now() > deadline {
                if !is_calm {
                    self.failures.push(format!(
                        "{} s after all have left, {} connections stand where {} stood at the start, and {} readers are not \
                         judged",
                        FAREWELL.as_secs(),
                        end.connections,
                        start.connections,
                        self.undecided.len()
                    ));
                }
                return Ok(end);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoga::config::{Config, Durability};
    use hoga::recovery::Stores;
    use hoga::serve::Exchange;

    #[test]
    fn every_kind_of_client_comes_and_what_readers_heard_is_judged() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data_dir: folder.path().to_path_buf(),
            durability: Durability::Memory,
            ..Config::default()
        };
        let exchange =
            Exchange::start(&config, &Stores::new(folder.path()), &mut |_| {}).expect("an exchange");
        let (address, seed) = (exchange.address.to_string(), 20_261_126);
        println!("seed {seed}");
        let mut soak = Soak::new(&address, std::process::id(), seed).expect("a reader");
        let start = soak.look(&Sample::UNTOLD).expect("a look");
        // Until readers that named an execution to follow have heard something, too.
        let resumed = |soak: &Soak<'_>| {
            let readers = soak.clients.iter().filter_map(|(.., client)| match client {
                Client::Reader(member, after) => after.and(member.checked.as_deref()?.first),
                _ => None,
            });
            readers.count()
        };
        while resumed(&soak) < 5 {
            soak.come();
            soak.turns().expect("a turn");
            soak.decide();
            std::thread::sleep(Duration::from_millis(1));
        }
        for (kind, _) in KINDS {
            let is_there = soak.clients.iter().any(|(one, ..)| *one == kind);
            assert!(is_there, "{kind:?}");
        }
        soak.leave(&start).expect("an end");
        assert_eq!(soak.failures, Vec::<String>::new());
        assert!(soak.verdicts["exact"] >= 5, "{:?}", soak.verdicts);
        exchange.stop();
    }
}
