//! The table of connections, and who is to be served next.

use std::collections::VecDeque;
use std::time::Duration;

use hoga_protocol::{AccountId, AccountName, Event, EventBody};
use hoga_service::{Identity, Reply};
use hoga_views::Views;
use mio::Token;
use slab::Slab;

use crate::broadcast::log::Feed;
use crate::codec::ApiError;
use crate::ports::Printed;
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::connection_state::{ConnectionState, Kind};
use crate::server::peer::{Peer, Waiter};
use crate::server::step::Queue;
use crate::sessions::by_account::Sessions;
use crate::ws::framer::Framer;

/// Entries of those who are gone that may be among the parked, beside as many as there are connections.
const PARKED_SPARE: usize = 64;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub buffer: ConnectionBuffer,
    pub state: ConnectionState,
    pub place: Place,
    generation: u32,
    queued: [bool; Queue::COUNT],
    /// Bytes that it counts for in the memory of all.
    weight: usize,
    /// Whether it has an entry among the parked, or among the streams since an execution was published.
    parked: bool,
}

/// What a connection counts as towards the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// One of those that there may be.
    Taken,
    /// It is only told that it is not wanted.
    TurnedAway,
}

impl Connection {
    /// Whether an entry in `queue` stands for this connection, which waits there no longer then.
    fn takes_turn(&mut self, queue: Queue) -> bool {
        std::mem::take(&mut self.queued[queue as usize])
            || (queue == Queue::Streams && std::mem::take(&mut self.parked))
    }
}

/// The gateway serves so many requests for each stream while both wait: a visit of a stream sends as much as its socket takes, and one
/// of requests takes few bytes.
const REQUESTS_FOR_A_STREAM: usize = 4;

/// The connections. Each is in each queue at most once.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: Slab<Connection>,
    generation: u32,
    queues: [VecDeque<Peer>; Queue::COUNT],
    key_bound: u32,
    turned_away: usize,
    /// Nothing is folded until readers have caught up, so no reply can come before that.
    pub readers_first: bool,
    /// How many requests were served since the last stream.
    requests_in_a_row: usize,
    /// Bytes of memory that answers and frames take up that wait for their readers, over all connections.
    waiting_bytes: usize,
    /// Everyone who is parked, and here and there one who is gone.
    parked: Vec<Peer>,
    sessions: Sessions,
    /// Subscribers, by what they are sent.
    listeners: [usize; Feed::KINDS],
}

impl Connections {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// How many are there that were not turned away.
    pub fn taken(&self) -> usize {
        self.table.len() - self.turned_away
    }

    /// How many are there only to be told that they are not wanted.
    pub fn turned_away(&self) -> usize {
        self.turned_away
    }

    /// How many subscribe to executions or trades.
    pub fn subscribers(&self) -> usize {
        self.listeners.iter().sum()
    }

    /// How many subscribe, by what they are sent.
    pub fn listeners(&self) -> &[usize; Feed::KINDS] {
        &self.listeners
    }

    /// How many are order sessions.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
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
    pub fn insert(&mut self, buffer: ConnectionBuffer, state: ConnectionState, place: Place) -> u32 {
        self.turned_away += usize::from(place == Place::TurnedAway);
        let generation = self.generation;
        // One bit less than the word, so that no token is taken for that of the listener or the waker.
        self.generation = (generation + 1) & (u32::MAX >> 1);
        let key = self.table.insert(Connection {
            buffer,
            state,
            place,
            generation,
            queued: [false; Queue::COUNT],
            weight: 0,
            parked: false,
        }) as u32;
        self.key_bound = self.key_bound.max(key + 1);
        key
    }

    /// The connection and the peer it is.
    pub fn get(&mut self, key: u32) -> Option<(&mut Connection, Peer)> {
        let connection = self.table.get_mut(key as usize)?;
        let generation = connection.generation;
        Some((connection, Peer { key, generation }))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (Peer, &Connection)> {
        self.table.iter().map(|(key, connection)| {
            let generation = connection.generation;
            let key = key as u32;
            (Peer { key, generation }, connection)
        })
    }

    /// The connection of a peer, if it is still there.
    pub fn find(&mut self, peer: Peer) -> Option<&mut Connection> {
        self.table
            .get_mut(peer.key as usize)
            .filter(|connection| connection.generation == peer.generation)
    }

    /// Takes a connection out.
    pub fn remove(&mut self, key: u32, views: Option<&Views>) -> Option<Connection> {
        let connection = self.table.try_remove(key as usize)?;
        self.uncount(key, &connection.state, views);
        self.turned_away -= usize::from(connection.place == Place::TurnedAway);
        self.waiting_bytes -= connection.weight;
        Some(connection)
    }

    /// Bytes of memory that answers and frames take up that wait for their readers, over all connections.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Counts anew what waits at a connection.
    pub fn weigh(&mut self, key: u32) {
        if let Some(connection) = self.table.get_mut(key as usize) {
            let weight = connection.buffer.egress.held() + connection.state.held();
            self.waiting_bytes += weight;
            self.waiting_bytes -= std::mem::replace(&mut connection.weight, weight);
        }
    }

    /// Puts `state` in the place of a connection's state.
    pub fn replace_state(&mut self, key: u32, state: ConnectionState, views: Option<&Views>) {
        let Some(connection) = self.table.get_mut(key as usize) else {
            return;
        };
        match &state {
            ConnectionState::Subscriber(subscriber) => self.listeners[subscriber.feed().kind()] += 1,
            ConnectionState::Session(session) => {
                let name = *session.account();
                self.sessions.insert(name, account_of(&name, views), key);
            }
            ConnectionState::Requests(_)
            | ConnectionState::Authenticating(_)
            | ConnectionState::Echo(_)
            | ConnectionState::Closing(_) => {}
        }
        let before = std::mem::replace(&mut connection.state, state);
        self.uncount(key, &before, views);
    }

    /// Every key is below this.
    pub fn key_bound(&self) -> u32 {
        self.key_bound
    }

    /// Has a connection served, after those that wait already.
    pub fn enqueue(&mut self, key: u32, queue: Queue) {
        if let Some((connection, peer)) = self.get(key)
            && !std::mem::replace(&mut connection.queued[queue as usize], true)
        {
            self.queues[queue as usize].push_back(peer);
        }
    }

    /// Has a connection served by the queue of its kind.
    pub fn enqueue_by_kind(&mut self, key: u32) {
        let Some(connection) = self.table.get(key as usize) else {
            return;
        };
        let queue = match connection.state.kind() {
            Kind::Subscriber => Queue::Streams,
            Kind::Session | Kind::Http => Queue::Requests,
        };
        self.enqueue(key, queue);
    }

    /// Who is to be served next among replies, requests and streams, and in which queue it waited.
    pub fn dequeue(&mut self) -> Option<(u32, Queue)> {
        if let Some(key) = self.next_of(Queue::Replies) {
            return Some((key, Queue::Replies));
        }
        let requests_first = self.requests_in_a_row < REQUESTS_FOR_A_STREAM && !self.readers_first;
        let queues = match requests_first {
            true => [Queue::Requests, Queue::Streams],
            false => [Queue::Streams, Queue::Requests],
        };
        for queue in queues {
            if let Some(key) = self.next_of(queue) {
                self.requests_in_a_row = match queue {
                    Queue::Requests => self.requests_in_a_row + 1,
                    _ => 0,
                };
                return Some((key, queue));
            }
        }
        None
    }

    /// Whose answer is to have its next portion made.
    pub fn dequeue_answer(&mut self) -> Option<u32> {
        self.next_of(Queue::Answers)
    }

    fn next_of(&mut self, queue: Queue) -> Option<u32> {
        while let Some(peer) = self.queues[queue as usize].pop_front() {
            if self
                .find(peer)
                .is_some_and(|connection| connection.takes_turn(queue))
            {
                return Some(peer.key);
            }
        }
        None
    }

    /// Has a connection served when an execution is published.
    pub fn park(&mut self, key: u32) {
        if let Some((connection, peer)) = self.get(key)
            && !std::mem::replace(&mut connection.parked, true)
        {
            self.parked.push(peer);
            if self.parked.len() > 2 * self.table.len() + PARKED_SPARE {
                let mut parked = std::mem::take(&mut self.parked);
                parked.retain(|&peer| self.find(peer).is_some());
                self.parked = parked;
            }
        }
    }

    /// An execution was published. The parked ones go into the queue as they are, none of them is looked at: ten
    /// thousand would be ten thousand misses of the cache before the output ring has its turn again.
    pub fn unpark(&mut self) {
        self.queues[Queue::Streams as usize].extend(self.parked.drain(..));
    }

    /// Has the sessions served whose account an event concerns.
    pub fn note_event(&mut self, event: &Event, views: &Views) {
        if self.sessions.is_empty() {
            return;
        }
        match &event.body {
            EventBody::AccountOpened(opened) => self.sessions.open(&opened.name, opened.account),
            EventBody::OrderAccepted(accepted) => self.note_update(accepted.request.account, 1, views),
            EventBody::OrderCanceled(canceled) => self.note_update(canceled.account, 1, views),
            EventBody::OrderReplaced(replaced) => self.note_update(replaced.account, 1, views),
            EventBody::Trade(trade) => {
                self.note_update(trade.aggressor.account, 2, views);
                self.note_update(trade.resting.account, 2, views);
            }
            _ => {}
        }
    }

    /// Hands a reply to whoever waits for it, if it is still there.
    pub fn answer(
        &mut self,
        waiter: &Waiter,
        reply: &Reply<'_>,
        views: &Views,
        framer: &mut Framer,
        now: Duration,
    ) {
        let Some(connection) = self.find(waiter.peer) else {
            return;
        };
        let buffer = &mut connection.buffer;
        match &mut connection.state {
            ConnectionState::Requests(requests) => requests.answer(buffer, reply, views, now),
            ConnectionState::Session(session) => session.answer(buffer, waiter, reply, views, framer),
            ConnectionState::Subscriber(_)
            | ConnectionState::Authenticating(_)
            | ConnectionState::Echo(_)
            | ConnectionState::Closing(_) => return,
        }
        self.weigh(waiter.peer.key);
        self.enqueue(waiter.peer.key, Queue::Replies);
    }

    /// Hands a page to whoever asked for it, if it is still there.
    pub fn print(&mut self, peer: Peer, page: Printed) {
        if let Some(connection) = self.find(peer)
            && let ConnectionState::Requests(requests) = &mut connection.state
        {
            requests.print(page);
            self.weigh(peer.key);
            self.enqueue(peer.key, Queue::Answers);
        }
    }

    /// Hands the verdict on a signature to whoever sent it, if it is still there.
    pub fn admit(&mut self, peer: Peer, identity: Result<Identity, ApiError>) {
        let Some(connection) = self.find(peer) else { return };
        match &mut connection.state {
            ConnectionState::Requests(requests) => requests.admit(identity),
            ConnectionState::Authenticating(authenticating) => authenticating.admit(identity),
            _ => return,
        }
        self.enqueue(peer.key, Queue::Requests);
    }

    /// An event that has made the newest `updates` order updates concerns an account.
    fn note_update(&mut self, account: AccountId, updates: u64, views: &Views) {
        for &key in self.sessions.of(account) {
            let Some(connection) = self.table.get_mut(key as usize) else {
                continue;
            };
            if let ConnectionState::Session(session) = &mut connection.state {
                session.owe(views.updates().next().saturating_sub(updates));
            }
            if !std::mem::replace(&mut connection.queued[Queue::Streams as usize], true) {
                let generation = connection.generation;
                self.queues[Queue::Streams as usize].push_back(Peer { key, generation });
            }
        }
    }

    fn uncount(&mut self, key: u32, state: &ConnectionState, views: Option<&Views>) {
        match state {
            ConnectionState::Subscriber(subscriber) => self.listeners[subscriber.feed().kind()] -= 1,
            ConnectionState::Session(session) => {
                let name = session.account();
                self.sessions.remove(name, account_of(name, views), key);
            }
            ConnectionState::Requests(_)
            | ConnectionState::Authenticating(_)
            | ConnectionState::Echo(_)
            | ConnectionState::Closing(_) => {}
        }
    }
}

fn account_of(name: &AccountName, views: Option<&Views>) -> Option<AccountId> {
    views.and_then(|views| views.accounts().by_name(name))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::connection::Requests;

    fn connection(connections: &mut Connections) -> u32 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let buffer = ConnectionBuffer::new(mio::net::TcpStream::from_std(socket), None, Duration::ZERO);
        connections.insert(
            buffer,
            ConnectionState::Requests(Box::new(Requests::new(Duration::ZERO))),
            Place::Taken,
        )
    }

    fn served(connections: &mut Connections) -> Vec<u32> {
        std::iter::from_fn(|| connections.dequeue().map(|(key, _)| key)).collect()
    }

    #[test]
    fn those_who_come_and_go_between_two_executions_leave_nothing_behind() {
        let mut connections = Connections::default();
        let stays = connection(&mut connections);
        connections.park(stays);
        for _ in 0..1_000 {
            let goes = connection(&mut connections);
            connections.park(goes);
            connections.remove(goes, None);
        }
        assert!(connections.parked.len() <= PARKED_SPARE + 5);
        let next = connection(&mut connections);
        connections.park(next);
        for _ in 0..3 {
            connections.unpark();
            assert_eq!(served(&mut connections), [stays, next]);
            assert!(connections.is_quiet());
            connections.park(stays);
            connections.park(next);
        }
    }

    #[test]
    fn neither_streams_nor_requests_keep_the_others_waiting() {
        let mut connections = Connections::default();
        let keys: Vec<u32> = (0..12).map(|_| connection(&mut connections)).collect();
        for &key in &keys {
            connections.enqueue(key, Queue::Requests);
            connections.enqueue(key, Queue::Streams);
        }
        let all = std::iter::from_fn(|| connections.dequeue());
        let streams: Vec<bool> = all.map(|(_, queue)| queue == Queue::Streams).collect();
        let first = [false, false, false, false, true].repeat(3);
        assert_eq!(streams, [first, vec![true; 9]].concat());
        connections.readers_first = true;
        connections.enqueue(keys[0], Queue::Requests);
        connections.enqueue(keys[1], Queue::Streams);
        assert_eq!(served(&mut connections), [keys[1], keys[0]]);
    }

    #[test]
    fn a_socket_that_calls_while_an_execution_waits_for_it_is_forgotten_by_neither() {
        let mut connections = Connections::default();
        let key = connection(&mut connections);
        connections.park(key);
        connections.enqueue(key, Queue::Streams);
        assert_eq!(served(&mut connections), [key], "it called");
        connections.park(key);
        connections.unpark();
        connections.enqueue(key, Queue::Streams);
        assert_eq!(
            served(&mut connections),
            [key, key],
            "it called, and there was an execution"
        );
        connections.unpark();
        assert!(connections.dequeue().is_none(), "it is parked no longer");
    }
}
