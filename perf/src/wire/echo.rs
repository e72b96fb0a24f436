//! The bare echo that an order's latency is held against: mio, one connection, the same bytes back.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::cli::Idle;
use crate::failure::{Context, Failure, Outcome};

/// How long [`Idle::Ladder`] spins.
const SPIN_FOR: Duration = Duration::from_micros(50);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for events as an idle strategy says, but never longer than `longest`.
pub fn wait(poll: &mut Poll, events: &mut Events, idle: Idle, longest: Duration) -> io::Result<()> {
    let begin = Instant::now();
    let spin_for = match idle {
        Idle::Park => Duration::ZERO,
        Idle::Ladder => SPIN_FOR.min(longest),
        Idle::Yield | Idle::Spin => longest,
    };
    while begin.elapsed() < spin_for {
        poll.poll(events, Some(Duration::ZERO))?;
        if !events.is_empty() {
            return Ok(());
        }
        // As an agent of the exchange without a core of its own does.
        match idle {
            Idle::Spin => std::hint::spin_loop(),
            _ => std::thread::yield_now(),
        }
    }
    if matches!(idle, Idle::Spin | Idle::Yield) {
        return Ok(());
    }
    match poll.poll(events, Some(longest)) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        polled => polled,
    }
}

/// A server on a thread of its own.
pub struct EchoServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl EchoServer {
    /// Starts it on a free port of the loopback.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn start(idle: Idle) -> Outcome<Self> {
        let what = || "cannot start the echo".to_owned();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).context(what)?;
        let address = listener.local_addr().context(what)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let body = move || serve(listener, idle, &stopped);
        let thread = std::thread::Builder::new()
            .name("echo".to_owned())
            .spawn(body)
            .context(what)?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut listener: TcpListener, idle: Idle, stop: &AtomicBool) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(8);
    poll.registry()
        .register(&mut listener, Token(0), Interest::READABLE)?;
    let mut client: Option<TcpStream> = None;
    let mut buffer = [0; 4_096];
    while !stop.load(Ordering::Relaxed) {
        wait(&mut poll, &mut events, idle, Duration::from_millis(100))?;
        if client.is_none()
            && let Ok((mut stream, _)) = listener.accept()
        {
            stream.set_nodelay(true)?;
            poll.registry()
                .register(&mut stream, Token(1), Interest::READABLE)?;
            client = Some(stream);
        }
        let Some(stream) = client.as_mut() else { continue };
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(bytes) => stream.write_all(&buffer[..bytes])?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// The one client of an echo.
pub struct EchoClient {
    poll: Poll,
    events: Events,
    stream: TcpStream,
    sent: Vec<u8>,
    back: Vec<u8>,
    idle: Idle,
}

impl EchoClient {
    /// Connects; `idle` is how it waits, and each turn will send `text` as a masked WebSocket frame would carry it.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn connect(server: &EchoServer, text: &str, idle: Idle) -> Outcome<Self> {
        let what = || format!("cannot reach the echo at {}", server.address);
        let stream = std::net::TcpStream::connect(server.address).context(what)?;
        stream.set_nodelay(true).context(what)?;
        stream.set_nonblocking(true).context(what)?;
        let mut stream = TcpStream::from_std(stream);
        let poll = Poll::new().context(what)?;
        poll.registry()
            .register(&mut stream, Token(0), Interest::READABLE)
            .context(what)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(8),
            stream,
            sent: frame(text),
            back: Vec::with_capacity(1_024),
            idle,
        })
    }

    /// One round trip.
    ///
    /// # Errors
    /// When the echo is gone or says nothing.
    pub fn turn(&mut self) -> Outcome<Duration> {
        let what = || "the echo broke".to_owned();
        let mut buffer = [0; 4_096];
        self.back.clear();
        let begin = Instant::now();
        self.stream.write_all(&self.sent).context(what)?;
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(Failure::new("the echo closed")),
                Ok(bytes) => self.back.extend_from_slice(&buffer[..bytes]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(
                        &mut self.poll,
                        &mut self.events,
                        self.idle,
                        Duration::from_millis(100),
                    )
                    .context(what)?;
                }
                Err(error) => return Err(error).context(what),
            }
            if self.back.len() >= self.sent.len() {
                let took = begin.elapsed();
                let same = self.back == self.sent;
                return if same {
                    Ok(took)
                } else {
                    Err(Failure::new("the echo changed the bytes"))
                };
            }
            if begin.elapsed() > PATIENCE {
                return Err(Failure::new("the echo is silent"));
            }
        }
    }
}

/// A text frame from a client (RFC 6455 §5.2), its mask zero: the length is what counts here.
fn frame(text: &str) -> Vec<u8> {
    let length = text.len() as u16;
    let mut frame = vec![0x81];
    if length < 126 {
        frame.push(0x80 | length as u8);
    } else {
        frame.push(0x80 | 126);
        frame.extend(length.to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_echo_gives_every_byte_back_under_each_idle_strategy() {
        for idle in [Idle::Park, Idle::Ladder, Idle::Yield, Idle::Spin] {
            let server = EchoServer::start(idle).expect("an echo");
            let mut client = EchoClient::connect(&server, &"x".repeat(200), idle).expect("a client");
            assert_eq!(client.sent.len(), 208);
            for _ in 0..20 {
                client.turn().expect("the same bytes");
            }
        }
    }
}
