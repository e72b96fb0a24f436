//! The rows of one number of subscribers with one format.

use std::time::{Duration, Instant};

use super::moment::Moment;
use super::trader::Trader;
use crate::cli::{FanoutArgs, Pace};
use crate::client::Offer;
use crate::crowd::{Crowd, Tape};
use crate::failure::Outcome;
use crate::message::Uuid;
use crate::orders::{Kind, Trading};
use crate::process;
use crate::progress::Stop;
use crate::recording::Recording;
use crate::results::Measured;
use crate::state;

/// How long subscribers may hear nothing while something is on its way.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the exchange has to give back what connecting took, before its memory is looked at.
const REST: Duration = Duration::from_millis(500);
const TRICKLE: u32 = 5;
/// Bursts whose orders are laid out at once.
const BURSTS_AHEAD: u64 = 16;
/// Of the matcher's commands one in so many trades.
const TRADES_EVERY: u32 = 20;
/// Executions that subscribers may be behind what is sent: half of what the exchange keeps encoded, so that none is closed …
const MAX_BEHIND: u64 = 32_768;
/// … and over all of them so many deliveries, so that the last ones do not take longer than the row.
const MAX_UNDER_WAY: u64 = 10_000_000;
/// More executions than this are not asked for again, since the exchange keeps a million.
const MAX_HISTORY: u64 = 900_000;

/// What is measured.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Where it listens.
    pub address: &'a str,
    /// Its process, where that is known.
    pub pid: Option<u32>,
}

/// What came out.
pub struct Group {
    /// The rows.
    pub rows: Vec<Measured>,
    /// Sentences about them.
    pub notes: Vec<String>,
    /// Whether everybody got everything once and in order.
    pub is_exact: bool,
    /// Bytes of a message, its frame included; 0 when there was none.
    pub frame_bytes: usize,
}

/// A number of subscribers with one format, at work.
pub struct Bench<'a> {
    args: &'a FanoutArgs,
    subject: Subject<'a>,
    trading: &'a Trading,
    name: &'a str,
    stop: Stop,
    group: Group,
    /// Executions since the subscribers connected.
    executions: u64,
}

impl<'a> Bench<'a> {
    /// Rows will be named after `name`.
    pub fn new(
        args: &'a FanoutArgs,
        subject: Subject<'a>,
        trading: &'a Trading,
        name: &'a str,
        stop: Stop,
    ) -> Self {
        Self {
            args,
            subject,
            trading,
            name,
            stop,
            group: Group {
                rows: Vec::new(),
                notes: Vec::new(),
                is_exact: true,
                frame_bytes: 0,
            },
            executions: 0,
        }
    }

    /// Measures everything that was asked for.
    ///
    /// # Errors
    /// When the exchange cannot be reached, refuses, or does not deliver.
    pub fn run(mut self, subscribers: u32, offer: Offer) -> Outcome<Group> {
        let mut trader = Trader::connect(self.subject.address, self.trading)?;
        if self.args.commands > 0 {
            trader.supply()?;
            let row = self.matcher(&mut trader, None, 0)?;
            self.group.rows.push(row);
        }
        let anchor = trader.anchor()?;
        let crowd = self.connect(subscribers, offer, anchor)?;
        let begin = Moment::now(self.subject, Some(&crowd));
        if let Some(source) = begin.source_of_writes() {
            self.note(source);
        }
        if self.args.commands > 0 {
            trader.supply()?;
            let row = self.matcher(&mut trader, Some(&crowd), subscribers)?;
            self.group.rows.push(row);
        }
        for &burst in self.args.burst.iter().filter(|&&burst| burst > 0) {
            let row = self.bursts(&mut trader, &crowd, burst)?;
            self.group.rows.push(row);
        }
        for &pace in &self.args.rate {
            let row = match pace {
                Pace::None => continue,
                Pace::Trickle => self.trickle(&mut trader, &crowd)?,
                Pace::PerSecond(rate) => self.paced(&mut trader, &crowd, rate)?,
                Pace::Full => self.full(&mut trader, &crowd)?,
            };
            self.group.rows.push(row);
        }
        trader.clear()?;
        let bytes = Moment::now(self.subject, Some(&crowd)).bytes_each(&begin);
        self.group.frame_bytes = bytes.round() as usize;
        self.check(crowd, anchor)?;
        Ok(self.group)
    }

    fn note(&mut self, note: impl Into<String>) {
        self.group.notes.push(note.into());
    }

    /// Connects everybody, and tells what one who hears nothing costs the exchange in memory.
    fn connect(&mut self, subscribers: u32, offer: Offer, anchor: Uuid) -> Outcome<Crowd> {
        let private = |subject: Subject<'_>| process::memory(subject.pid?).map(|memory| memory.private);
        std::thread::sleep(REST);
        let before = private(self.subject);
        let symbol = self.trading.symbol();
        let begin = Instant::now();
        let crowd = Crowd::subscribe(self.subject.address, symbol, offer, subscribers, anchor)?;
        let took = begin.elapsed();
        std::thread::sleep(REST);
        let mut row = Measured::counted(format!("{}/idle", self.name));
        row.figure("handshakes_per_s", f64::from(subscribers) / took.as_secs_f64());
        if let (Some(before), Some(after)) = (before, private(self.subject)) {
            let each = (after as f64 - before as f64) / f64::from(subscribers);
            row.figure("idle_client_bytes", each);
        }
        if let Some(agreed) = crowd.agreed.clone() {
            let is_less = (agreed.format, agreed.deflate) != (offer.format, offer.deflate);
            row.facts.insert("agreed".to_owned(), agreed.words.clone());
            self.note(format!(
                "agreed: {}{}",
                agreed.words,
                if is_less { ": LESS than was offered" } else { "" }
            ));
        }
        self.group.rows.push(row);
        Ok(crowd)
    }

    /// A fixed flow at a fixed rate, few of whose orders trade: what a command costs the matcher.
    fn matcher(
        &mut self,
        trader: &mut Trader<'_>,
        crowd: Option<&Crowd>,
        subscribers: u32,
    ) -> Outcome<Measured> {
        let mut row = Measured::counted(match crowd {
            None => format!("{}/matcher-alone", self.name),
            Some(_) => format!("{}/matcher-{subscribers}", self.name),
        });
        let before = Moment::now(self.subject, crowd);
        let begin = Instant::now();
        let (mut sent, mut trades) = (0, 0);
        for number in 0..self.args.commands {
            if self.stop.is_set() {
                break;
            }
            sleep_until(begin + Duration::from_secs(1) * number / self.args.command_rate);
            let kind = match number % TRADES_EVERY {
                0 => Kind::Take(1),
                _ => Kind::Miss,
            };
            if kind == Kind::Take(1) {
                trades += 1;
                trader.supply()?;
            }
            trader.order(kind)?;
            sent += 1;
        }
        row.reached_per_s = Some(sent as f64 / begin.elapsed().as_secs_f64());
        row.asked_per_s = Some(f64::from(self.args.command_rate));
        if let Some(crowd) = crowd {
            self.caused(crowd, 2 * trades);
            crowd.wait(PATIENCE)?;
        }
        let after = Moment::now(self.subject, crowd);
        after.tell(&before, &mut row);
        row.figure("commands", sent as f64);
        if let Some((thread, nanos)) = after.matcher(&before, sent) {
            row.figure("matcher_cpu_ns_per_command", nanos);
            row.facts.insert("matcher_thread".to_owned(), thread.to_owned());
            if thread == "hoga-core" && crowd.is_none() {
                self.note("matcher and journaler share the thread hoga-core: matcher_cpu_ns_per_command is both, and the thread's looking for work");
            }
        }
        Ok(row)
    }

    /// Says that so many executions more are on their way to everybody, and that they will be waited for.
    fn caused(&mut self, crowd: &Crowd, executions: u64) {
        self.executions += executions;
        crowd.expect(self.executions * crowd.members);
    }

    /// Orders that make so many executions each, one after the other.
    fn bursts(&mut self, trader: &mut Trader<'_>, crowd: &Crowd, burst: u32) -> Outcome<Measured> {
        let until = Instant::now() + Duration::from_secs(u64::from(self.args.seconds));
        let mut last = Recording::new(Duration::from_secs(u64::from(self.args.seconds)));
        trader.clear()?;
        let before = Moment::now(self.subject, Some(crowd));
        let (begin, mut took, mut bursts, mut ahead) = (crowd.now(), 0, 0u64, 0);
        while bursts == 0 || (Instant::now() < until && !self.stop.is_set()) {
            if ahead == 0 {
                trader.rest(BURSTS_AHEAD * u64::from(burst / 2), 1)?;
                ahead = BURSTS_AHEAD;
            }
            ahead -= 1;
            self.caused(crowd, u64::from(burst));
            let sent = crowd.now();
            trader.order(Kind::Take(burst / 2))?;
            let reached = crowd.wait(PATIENCE)?;
            let delivered = reached.saturating_sub(sent);
            last.add(
                Duration::from_nanos(sent - begin),
                Duration::from_nanos(delivered),
            );
            took += delivered;
            bursts += 1;
        }
        let after = Moment::now(self.subject, Some(crowd));
        trader.clear()?;
        let mut row = Measured::new(format!("{}/burst-{burst}", self.name), last);
        after.tell(&before, &mut row);
        let rate = after.deliveries(&before) as f64 * 1e9 / took.max(1) as f64;
        row.figure("deliveries_per_s", rate);
        row.figure("burst", f64::from(burst));
        row.figure("bursts", bursts as f64);
        Ok(row)
    }

    /// Lone trades: each delivery is timed from the sending of its order, and beside it the last one of each trade.
    fn trickle(&mut self, trader: &mut Trader<'_>, crowd: &Crowd) -> Outcome<Measured> {
        let most = Duration::from_secs(u64::from(self.args.seconds));
        let mut last = Recording::new(most);
        crowd.take_timed(Recording::new(most));
        let before = Moment::now(self.subject, Some(crowd));
        let begin = Instant::now();
        for number in 0..TRICKLE * self.args.seconds {
            if self.stop.is_set() {
                break;
            }
            trader.supply()?;
            sleep_until(begin + Duration::from_secs(1) * number / TRICKLE);
            self.caused(crowd, 2);
            let sent = crowd.now();
            crowd.time_from(sent);
            trader.order(Kind::Take(1))?;
            let reached = crowd.wait(PATIENCE)?;
            last.add(
                begin.elapsed(),
                Duration::from_nanos(reached.saturating_sub(sent)),
            );
        }
        let after = Moment::now(self.subject, Some(crowd));
        crowd.time_from(0);
        let each = crowd.take_timed(Recording::new(Duration::ZERO));
        let mut row = Measured::new(format!("{}/{}", self.name, Pace::Trickle.name()), each);
        row.beside.push(("last", last));
        row.asked_per_s = Some(f64::from(TRICKLE));
        after.tell(&before, &mut row);
        Ok(row)
    }

    /// So many trades a second, each due at its own time.
    fn paced(&mut self, trader: &mut Trader<'_>, crowd: &Crowd, rate: u32) -> Outcome<Measured> {
        let before = Moment::now(self.subject, Some(crowd));
        let (begin, mut trades) = (Instant::now(), 0);
        for number in 0..rate * self.args.seconds {
            if self.stop.is_set() {
                break;
            }
            trader.supply()?;
            sleep_until(begin + Duration::from_secs(1) * number / rate);
            trader.order(Kind::Take(1))?;
            trades += 1;
        }
        let mut row = Measured::counted(format!("{}/{}", self.name, Pace::PerSecond(rate).name()));
        row.asked_per_s = Some(f64::from(rate));
        row.reached_per_s = Some(trades as f64 / begin.elapsed().as_secs_f64());
        self.caused(crowd, 2 * trades);
        crowd.wait(PATIENCE)?;
        let took = begin.elapsed();
        let after = Moment::now(self.subject, Some(crowd));
        after.tell(&before, &mut row);
        row.figure(
            "deliveries_per_s",
            after.deliveries(&before) as f64 / took.as_secs_f64(),
        );
        Ok(row)
    }

    /// As many trades as the exchange takes.
    fn full(&mut self, trader: &mut Trader<'_>, crowd: &Crowd) -> Outcome<Measured> {
        let before = Moment::now(self.subject, Some(crowd));
        let (start, begin) = (crowd.now(), Instant::now());
        let until = begin + Duration::from_secs(u64::from(self.args.seconds));
        let (known, members) = (crowd.messages() / crowd.members, crowd.members);
        let behind = (MAX_UNDER_WAY / members).clamp(1, MAX_BEHIND);
        let trades = trader.flood(
            self.args.window,
            || Instant::now() < until && !self.stop.is_set(),
            |takes| 2 * takes < crowd.messages() / members - known + behind,
        )?;
        let sent = begin.elapsed();
        self.caused(crowd, 2 * trades);
        let reached = crowd.wait(PATIENCE)?;
        let after = Moment::now(self.subject, Some(crowd));
        let mut row = Measured::counted(format!("{}/{}", self.name, Pace::Full.name()));
        row.reached_per_s = Some(trades as f64 / sent.as_secs_f64());
        after.tell(&before, &mut row);
        let took = reached.saturating_sub(start).max(1);
        row.figure(
            "deliveries_per_s",
            after.deliveries(&before) as f64 * 1e9 / took as f64,
        );
        Ok(row)
    }

    /// Ends everybody, and looks whether each got everything once and in order.
    fn check(&mut self, crowd: Crowd, anchor: Uuid) -> Outcome<()> {
        let (executions, closed) = (self.executions, crowd.closed());
        let want = match executions {
            0..=MAX_HISTORY => {
                let mut want = Tape::default();
                let all = state::executions_after(self.subject.address, self.trading.symbol(), anchor)?;
                all.into_iter().for_each(|execution| want.add(execution));
                Some(want)
            }
            _ => None,
        };
        let members = crowd.end()?;
        let bytes = members.first().map_or(0, |member| member.bytes);
        let alike = members
            .iter()
            .filter(|member| (member.messages, member.closed) == (executions, None))
            .count();
        // Pings come when they come; two bytes each.
        let spread = |member: &&crate::crowd::Member| member.bytes.abs_diff(bytes) <= 2 * MAX_PINGS;
        let same_bytes = members.iter().filter(spread).count();
        let checked = || members.iter().filter_map(|member| member.checked.as_deref());
        let want = want.or_else(|| checked().next().map(|first| first.tape));
        let right = checked()
            .filter(|one| (Some(one.tape), one.out_of_order, one.unread) == (want, 0, 0))
            .count();
        let is_exact = alike == members.len()
            && same_bytes == members.len()
            && right == checked().count()
            && want.is_none_or(|want| want.count == executions);
        self.group.is_exact &= is_exact;
        self.note(format!(
            "{}: {alike} of {} subscribers got {executions} messages, {same_bytes} as many bytes as the first; {right} of {} that \
             were read message for message had {}; {closed} were ended by the exchange",
            if is_exact { "exact" } else { "NOT EXACT" },
            members.len(),
            checked().count(),
            match executions {
                0..=MAX_HISTORY => "what the exchange keeps, once and in order",
                _ => "the same as the first, once and in order",
            },
        ));
        Ok(())
    }
}

/// Pings that one subscriber may get more than another in a run of an hour.
const MAX_PINGS: u64 = 200;

fn sleep_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
