//! Subscribers by the thousand, read by one thread that does as little as it can: it counts bytes and the ends of messages, and
//! reads every message of a few.

mod frames;

mod tape;

mod member;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use crate::client::{Agreed, Offer, subscribe};
use crate::failure::{Context, Failure, Outcome};
use crate::message::Uuid;
use crate::recording::Recording;
use crate::threads::READERS;
pub use frames::write as write_frame;
pub use member::{Checked, Member};
pub use tape::{Tape, execution_id};

/// The thread hears of a stop after so long at most.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Read from a socket at once.
const BUFFER: usize = 256 << 10;
/// Of so many subscribers, evenly spread, every message is read.
const CHECKED: usize = 64;

/// Running subscribers.
pub struct Crowd {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Outcome<Vec<Member>>>>,
    /// How many.
    pub members: u64,
    /// What the first one's handshake agreed on; all must agree on the same.
    pub agreed: Option<Agreed>,
}

struct Shared {
    begin: Instant,
    stop: AtomicBool,
    messages: AtomicU64,
    bytes: AtomicU64,
    closed: AtomicU64,
    /// Messages of all subscribers together that are waited for.
    wanted: AtomicU64,
    /// When as many were there, in nanoseconds from the beginning; 0 while they are not.
    reached: AtomicU64,
    /// From when deliveries are timed, in nanoseconds from the beginning; 0 for not at all.
    from: AtomicU64,
    /// What was timed, and since when, in nanoseconds from the beginning.
    timed: Mutex<(u64, Recording)>,
    waiter: Thread,
}

impl Crowd {
    /// Subscribes so many to the founding stream of `symbol`, of which executions after `anchor` will come. The calling
    /// thread is the one that waits for them.
    ///
    /// # Errors
    /// When the exchange cannot be reached or refuses, or agrees on different things.
    pub fn subscribe(address: &str, symbol: &str, offer: Offer, count: u32, anchor: Uuid) -> Outcome<Self> {
        let path = format!("/ws/executions?symbol={symbol}");
        let mut members = Vec::with_capacity(count as usize);
        let mut common: Option<Agreed> = None;
        let step = (count as usize).div_ceil(CHECKED).max(1);
        for number in 0..count as usize {
            let one = subscribe(address, &path, offer)?;
            if common.get_or_insert_with(|| one.agreed.clone()) != &one.agreed {
                return Err(Failure::new(format!(
                    "two handshakes alike were agreed differently: {:?}, {:?}",
                    common, one.agreed
                )));
            }
            let checked = number % step == 0;
            let checked = checked.then(|| Checked::new(one.agreed, anchor));
            members.push(Member::new(one.stream, &one.leftover, checked)?);
        }
        Self::of(members, common)
    }

    /// Reads connections as they are.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn of(mut members: Vec<Member>, agreed: Option<Agreed>) -> Outcome<Self> {
        let what = || "cannot watch the subscribers".to_owned();
        let poll = Poll::new().context(what)?;
        for (number, member) in members.iter_mut().enumerate() {
            poll.registry()
                .register(member.stream(), Token(number), Interest::READABLE)
                .context(what)?;
        }
        let sum = |of: fn(&Member) -> u64| AtomicU64::new(members.iter().map(of).sum());
        let shared = Arc::new(Shared {
            begin: Instant::now(),
            stop: AtomicBool::new(false),
            messages: sum(|member| member.messages),
            bytes: sum(|member| member.bytes),
            closed: AtomicU64::new(0),
            wanted: AtomicU64::new(u64::MAX),
            reached: AtomicU64::new(0),
            from: AtomicU64::new(0),
            timed: Mutex::new((0, Recording::new(Duration::ZERO))),
            waiter: std::thread::current(),
        });
        let (count, read) = (members.len() as u64, Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name(READERS.to_owned())
            .spawn(move || read_all(poll, members, &read))
            .context(what)?;
        Ok(Self {
            shared,
            thread: Some(thread),
            members: count,
            agreed,
        })
    }

    /// Data messages so far, of all together.
    pub fn messages(&self) -> u64 {
        self.shared.messages.load(Ordering::SeqCst)
    }

    /// Bytes so far, of all together.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// How many were ended by the other side.
    pub fn closed(&self) -> u64 {
        self.shared.closed.load(Ordering::SeqCst)
    }

    /// Now, in nanoseconds from the beginning.
    pub fn now(&self) -> u64 {
        self.shared.now()
    }

    /// Says how many messages of all together will be waited for. To be called before what causes them.
    pub fn expect(&self, messages: u64) {
        self.shared.wanted.store(messages, Ordering::SeqCst);
        self.shared.reached.store(0, Ordering::SeqCst);
    }

    /// Waits for them; when they were there, in nanoseconds from the beginning.
    ///
    /// # Errors
    /// When for `patience` not one came, or a subscriber was ended.
    pub fn wait(&self, patience: Duration) -> Outcome<u64> {
        let (mut known, mut heard) = (self.messages(), Instant::now());
        let wanted = self.shared.wanted.load(Ordering::SeqCst);
        loop {
            match self.shared.reached.load(Ordering::SeqCst) {
                0 if self.messages() >= wanted => return Ok(self.now()),
                reached if self.messages() >= wanted => return Ok(reached),
                // Of what was waited for before.
                _ => self.shared.reached.store(0, Ordering::SeqCst),
            }
            let is_over = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            if self.messages() != known {
                (known, heard) = (self.messages(), Instant::now());
            }
            if self.closed() > 0 || is_over || heard.elapsed() > patience {
                return Err(Failure::new(format!(
                    "of {wanted} messages to {} subscribers {known} came, and then none for {} s; {} subscribers were ended by \
                     the other side",
                    self.members,
                    heard.elapsed().as_secs(),
                    self.closed()
                )));
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// From now on each delivery is timed from `nanos`, which is 0 for not at all; see [`now`](Self::now).
    pub fn time_from(&self, nanos: u64) {
        self.shared.from.store(nanos, Ordering::SeqCst);
    }

    /// Takes what was timed, and records the next into `next`.
    pub fn take_timed(&self, next: Recording) -> Recording {
        match self.shared.timed.lock() {
            Ok(mut timed) => std::mem::replace(&mut *timed, (self.now(), next)).1,
            Err(_) => next,
        }
    }

    /// Ends them all, and gives back what they heard.
    ///
    /// # Errors
    /// When what one got was not the WebSocket protocol.
    pub fn end(mut self) -> Outcome<Vec<Member>> {
        self.shared.stop.store(true, Ordering::SeqCst);
        let Some(thread) = self.thread.take() else {
            return Ok(Vec::new());
        };
        thread
            .join()
            .map_err(|_| Failure::new("the thread of the subscribers has died"))?
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn now(&self) -> u64 {
        (self.begin.elapsed().as_nanos() as u64).max(1)
    }

    /// Makes what was read known, and wakes who waits for it.
    fn publish(&self, messages: u64, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        let all = self.messages.fetch_add(messages, Ordering::SeqCst) + messages;
        if all >= self.wanted.load(Ordering::SeqCst) && self.reached.load(Ordering::SeqCst) == 0 {
            self.reached.store(self.now(), Ordering::SeqCst);
            self.waiter.unpark();
        }
    }
}

fn read_all(mut poll: Poll, mut members: Vec<Member>, shared: &Shared) -> Outcome<Vec<Member>> {
    let mut events = Events::with_capacity(1_024);
    let mut buffer = vec![0; BUFFER];
    while !shared.stop.load(Ordering::Relaxed) {
        match poll.poll(&mut events, Some(LOOK_EVERY)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            polled => polled.context(|| "cannot wait for executions".to_owned())?,
        }
        let (mut messages, mut bytes) = (0, 0);
        let from = shared.from.load(Ordering::SeqCst);
        let mut timed = match from {
            0 => None,
            _ => shared.timed.lock().ok(),
        };
        for event in &events {
            let member = &mut members[event.token().0];
            if member.closed.is_some() {
                continue;
            }
            let heard = member.read(&mut buffer)?;
            messages += heard.messages;
            bytes += heard.bytes;
            if member.closed.is_some() {
                shared.closed.fetch_add(1, Ordering::SeqCst);
                shared.waiter.unpark();
            }
            if let Some(timed) = &mut timed {
                let now = shared.now();
                for _ in 0..heard.messages {
                    let took = Duration::from_nanos(now.saturating_sub(from));
                    let at = Duration::from_nanos(now.saturating_sub(timed.0));
                    timed.1.add(at, took);
                }
            }
        }
        drop(timed);
        if bytes > 0 {
            shared.publish(messages, bytes);
        }
    }
    Ok(members)
}
