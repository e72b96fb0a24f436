//! The subscribers that nobody times: a thread of their own reads them all, so that they are neither slow nor in the way.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use crate::client::Socket;
use crate::failure::{Context, Failure, Outcome};

/// They hear of a stop after so long at most.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Running subscribers.
pub struct Audience {
    stop: Arc<AtomicBool>,
    bytes: Arc<AtomicU64>,
    thread: Option<JoinHandle<Outcome<()>>>,
}

impl Audience {
    /// Subscribes so many to the founding stream of `symbol`.
    ///
    /// # Errors
    /// When the exchange cannot be reached or refuses.
    pub fn start(address: &str, symbol: &str, count: u32) -> Outcome<Self> {
        let what = || "cannot watch the subscribers".to_owned();
        let poll = Poll::new().context(what)?;
        let path = format!("/ws/executions?symbol={symbol}");
        let mut streams = Vec::new();
        for number in 0..count as usize {
            // From here on only bytes are counted, so the frames need no reading.
            let mut stream = Socket::connect(address, &path, 4 << 10)?.into_stream();
            poll.registry()
                .register(&mut stream, Token(number), Interest::READABLE)
                .context(what)?;
            streams.push(stream);
        }
        let (stop, bytes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&bytes));
        let thread = std::thread::Builder::new()
            .name("audience".to_owned())
            .spawn(move || read_all(poll, streams, &stopped, &counted))
            .context(what)?;
        Ok(Self {
            stop,
            bytes,
            thread: Some(thread),
        })
    }

    /// Ends them all; how many bytes they were sent.
    ///
    /// # Errors
    /// When the exchange ended one of them.
    pub fn stop(mut self) -> Outcome<u64> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread
                .join()
                .map_err(|_| Failure::new("the thread of the subscribers has died"))??;
        }
        Ok(self.bytes.load(Ordering::Relaxed))
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read_all(
    mut poll: Poll,
    mut streams: Vec<mio::net::TcpStream>,
    stop: &AtomicBool,
    bytes: &AtomicU64,
) -> Outcome<()> {
    let mut events = Events::with_capacity(1_024);
    let mut buffer = vec![0; 64 << 10];
    while !stop.load(Ordering::Relaxed) {
        match poll.poll(&mut events, Some(LOOK_EVERY)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            polled => polled.context(|| "cannot wait for executions".to_owned())?,
        }
        for event in &events {
            loop {
                match streams[event.token().0].read(&mut buffer) {
                    Ok(0) => return Err(Failure::new("the exchange ended a subscriber")),
                    Ok(read) => drop(bytes.fetch_add(read as u64, Ordering::Relaxed)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error).context(|| "a subscriber".to_owned()),
                }
            }
        }
    }
    Ok(())
}
