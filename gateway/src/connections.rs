//! The table of connections, and who is to be served next.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hoga_protocol::{AccountId, AccountName, Event, EventBody};
use hoga_views::Views;
use mio::Token;
use slab::Slab;

use crate::answer::Answer;
use crate::frame::Framer;
use crate::line::Line;
use crate::pending::{Outcome, Peer, Waiter};
use crate::phase::{Kind, Phase};
use crate::ports::Printed;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub line: Line,
    pub phase: Phase,
    generation: u32,
    queued: [bool; 2],
    parked: bool,
}

/// Which queue a connection waits in. The two are served in turn, so neither a crowd of subscribers nor a crowd of
/// requests keeps the other waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Sockets that told something, and answers.
    Requests = 0,
    /// Streams with something to send.
    Streams = 1,
}

/// The connections. Each is in each queue at most once.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: Slab<Connection>,
    generation: u32,
    queues: [VecDeque<u32>; 2],
    turn: usize,
    parked: Vec<u32>,
    sessions: HashMap<AccountName, Vec<u32>>,
    session_count: usize,
    subscribers: usize,
}

impl Connections {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// How many subscribe to executions.
    pub fn subscribers(&self) -> usize {
        self.subscribers
    }

    /// How many are order sessions.
    pub fn sessions(&self) -> usize {
        self.session_count
    }

    /// Whether nobody waits to be served.
    pub fn is_quiet(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// The peer that the next connection will be.
    pub fn next_peer(&self) -> Peer {
        Peer {
            key: self.table.vacant_key() as u32,
            generation: self.generation,
        }
    }

    /// Adds a connection as [`next_peer`](Self::next_peer).
    pub fn insert(&mut self, line: Line, phase: Phase) -> u32 {
        let generation = self.generation;
        // One bit less than the word, so that no token is taken for that of the listener or the waker.
        self.generation = (generation + 1) & (u32::MAX >> 1);
        self.table.insert(Connection {
            line,
            phase,
            generation,
            queued: [false; 2],
            parked: false,
        }) as u32
    }

    /// The connection and the peer it is.
    pub fn get(&mut self, key: u32) -> Option<(&mut Connection, Peer)> {
        let connection = self.table.get_mut(key as usize)?;
        let generation = connection.generation;
        Some((connection, Peer { key, generation }))
    }

    /// The connection of a peer, if it is still there.
    pub fn find(&mut self, peer: Peer) -> Option<&mut Connection> {
        self.table
            .get_mut(peer.key as usize)
            .filter(|connection| connection.generation == peer.generation)
    }

    /// Drops a connection.
    pub fn remove(&mut self, key: u32) {
        if let Some(connection) = self.table.try_remove(key as usize) {
            self.uncount(key, &connection.phase);
        }
    }

    /// Puts `phase` in the place of a connection's phase.
    pub fn replace_phase(&mut self, key: u32, phase: Phase) {
        let Some(connection) = self.table.get_mut(key as usize) else {
            return;
        };
        match &phase {
            Phase::Subscriber(_) => self.subscribers += 1,
            Phase::Session(session) => {
                self.session_count += 1;
                self.sessions.entry(*session.account()).or_default().push(key);
            }
            Phase::Requests(_) | Phase::Echo(_) | Phase::Linger(_) => {}
        }
        let before = std::mem::replace(&mut connection.phase, phase);
        self.uncount(key, &before);
    }

    /// All keys, for a sweep.
    pub fn keys(&self) -> impl Iterator<Item = u32> {
        self.table.iter().map(|(key, _)| key as u32)
    }

    /// Has a connection served, after those that wait already.
    pub fn enqueue(&mut self, key: u32, queue: Queue) {
        if let Some(connection) = self.table.get_mut(key as usize)
            && !std::mem::replace(&mut connection.queued[queue as usize], true)
        {
            self.queues[queue as usize].push_back(key);
        }
    }

    /// Has a connection served by the queue of its kind.
    pub fn enqueue_by_kind(&mut self, key: u32) {
        let Some(connection) = self.table.get(key as usize) else {
            return;
        };
        let queue = match connection.phase.kind() {
            Kind::Subscriber => Queue::Streams,
            Kind::Session | Kind::Http => Queue::Requests,
        };
        self.enqueue(key, queue);
    }

    /// Who is to be served next, and in which queue it waited.
    pub fn dequeue(&mut self) -> Option<(u32, Queue)> {
        for _ in 0..self.queues.len() {
            self.turn = (self.turn + 1) % self.queues.len();
            while let Some(key) = self.queues[self.turn].pop_front() {
                // The entry of a connection that is gone may name another one by now, which does not wait.
                if let Some(connection) = self.table.get_mut(key as usize)
                    && std::mem::take(&mut connection.queued[self.turn])
                {
                    return Some((key, [Queue::Requests, Queue::Streams][self.turn]));
                }
            }
        }
        None
    }

    /// Has a connection served when an execution is published.
    pub fn park(&mut self, key: u32) {
        if let Some(connection) = self.table.get_mut(key as usize)
            && !std::mem::replace(&mut connection.parked, true)
        {
            self.parked.push(key);
        }
    }

    /// An execution was published.
    pub fn unpark(&mut self) {
        let mut parked = std::mem::take(&mut self.parked);
        for key in parked.drain(..) {
            if let Some(connection) = self.table.get_mut(key as usize)
                && std::mem::take(&mut connection.parked)
            {
                self.enqueue(key, Queue::Streams);
            }
        }
        self.parked = parked;
    }

    /// Has the sessions served whose account an event concerns.
    pub fn notice(&mut self, event: &Event, views: &Views) {
        if self.sessions.is_empty() {
            return;
        }
        match &event.body {
            EventBody::OrderAccepted(accepted) => self.notice_account(accepted.request.account, views),
            EventBody::OrderCanceled(canceled) => self.notice_account(canceled.account, views),
            EventBody::OrderReplaced(replaced) => self.notice_account(replaced.account, views),
            EventBody::Trade(trade) => {
                self.notice_account(trade.aggressor.account, views);
                self.notice_account(trade.resting.account, views);
            }
            _ => {}
        }
    }

    /// Hands an outcome to whoever waits for it, if it is still there.
    pub fn answer(
        &mut self,
        waiter: &Waiter,
        outcome: Outcome,
        views: &Views,
        framer: &mut Framer,
        now: Duration,
    ) {
        let Some(connection) = self.find(waiter.peer) else {
            return;
        };
        let answer = Answer::of(outcome, views);
        let line = &mut connection.line;
        match &mut connection.phase {
            Phase::Requests(requests) => requests.answer(line, &answer, views, now),
            Phase::Session(session) => session.answer(line, waiter, &answer, views, framer),
            Phase::Subscriber(_) | Phase::Echo(_) | Phase::Linger(_) => return,
        }
        self.enqueue(waiter.peer.key, Queue::Requests);
    }

    /// Hands a page to whoever asked for it, if it is still there.
    pub fn print(&mut self, peer: Peer, page: &Printed, now: Duration) {
        if let Some(connection) = self.find(peer)
            && let Phase::Requests(requests) = &mut connection.phase
        {
            requests.print(&mut connection.line, page, now);
            self.enqueue(peer.key, Queue::Requests);
        }
    }

    fn notice_account(&mut self, account: AccountId, views: &Views) {
        let Some(keys) = views
            .accounts()
            .get(account)
            .and_then(|name| self.sessions.get(name))
        else {
            return;
        };
        for &key in keys {
            if let Some(connection) = self.table.get_mut(key as usize)
                && !std::mem::replace(&mut connection.queued[Queue::Streams as usize], true)
            {
                self.queues[Queue::Streams as usize].push_back(key);
            }
        }
    }

    fn uncount(&mut self, key: u32, phase: &Phase) {
        match phase {
            Phase::Subscriber(_) => self.subscribers -= 1,
            Phase::Session(session) => {
                self.session_count -= 1;
                if let Some(keys) = self.sessions.get_mut(session.account()) {
                    keys.retain(|&other| other != key);
                    if keys.is_empty() {
                        self.sessions.remove(session.account());
                    }
                }
            }
            Phase::Requests(_) | Phase::Echo(_) | Phase::Linger(_) => {}
        }
    }
}

impl Peer {
    /// The token its socket is polled under.
    pub fn token(self) -> Token {
        Token((self.generation as usize) << 32 | self.key as usize)
    }

    /// The peer of a token.
    pub fn of(token: Token) -> Self {
        Self {
            key: token.0 as u32,
            generation: (token.0 >> 32) as u32,
        }
    }
}

// A token holds a key and a generation.
const _: () = assert!(usize::BITS == 64);
