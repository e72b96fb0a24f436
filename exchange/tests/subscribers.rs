//! A thousand subscribers of which a hundred never read: readers lose nothing, silent ones are closed, and the matcher
//! never waits on the output ring.

mod support;

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use support::{PATIENCE, Process, next_text, order_body, websocket};

const SUBSCRIBERS: usize = 1_000;
const SILENT: usize = 100;
const TRADES: usize = 1_500;
const CONFIG: &str = "[gateway]\nwrite_stall_ms = 1000\n";

/// A subscriber that keeps no message, only their count and a hash of all their bytes in order (FNV-1a, 64 bits).
struct Subscriber {
    stream: TcpStream,
    buffer: Vec<u8>,
    messages: usize,
    hash: u64,
    closed: bool,
}

const EMPTY_HASH: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

impl Subscriber {
    fn connect(address: SocketAddr, receive_buffer: Option<usize>) -> Subscriber {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        socket.connect(&address.into()).unwrap();
        let mut stream: TcpStream = socket.into();
        let request = format!(
            "GET /ws/executions HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(
            head.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        stream.set_nonblocking(true).unwrap();
        Subscriber {
            stream,
            buffer: Vec::new(),
            messages: 0,
            hash: EMPTY_HASH,
            closed: false,
        }
    }

    /// Reads what is there; returns whether anything was.
    fn pump(&mut self) -> bool {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.closed = true,
            Ok(n) => {
                self.buffer.extend_from_slice(&chunk[..n]);
                self.take_frames();
                return true;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.closed = true,
        }
        false
    }

    /// RFC 6455, 5.2: text frames of a server, unmasked, of less than 64 KiB; pings are left unanswered.
    fn take_frames(&mut self) {
        let mut at = 0;
        while let Some([first, second]) = self.buffer.get(at..at + 2) {
            let (header, length) = match second {
                126 => match self.buffer.get(at + 2..at + 4) {
                    Some(length) => (4, usize::from(u16::from_be_bytes([length[0], length[1]]))),
                    None => break,
                },
                127.. => panic!("no execution is that long, and a server does not mask"),
                length => (2, usize::from(*length)),
            };
            let Some(payload) = self.buffer.get(at + header..at + header + length) else {
                break;
            };
            match first {
                0x81 => {
                    self.messages += 1;
                    self.hash = fnv(fnv(self.hash, payload), b"\n");
                }
                0x88 => self.closed = true,
                _ => {}
            }
            at += header + length;
        }
        self.buffer.drain(..at);
    }
}

#[test]
fn clients_that_never_read_cost_the_others_nothing() {
    raise_descriptor_limit();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("hoga.toml");
    fs::write(&config, CONFIG).unwrap();
    let process = Process::start(dir.path(), &["--config", config.to_str().unwrap()]);
    let address = process.address;
    let mut silent: Vec<_> = (0..SILENT)
        .map(|_| Subscriber::connect(address, Some(4_096)))
        .collect();
    let mut readers: Vec<_> = (SILENT..SUBSCRIBERS)
        .map(|_| Subscriber::connect(address, None))
        .collect();
    let want = 2 * TRADES;
    let recorder = record(address, want);
    let trader = thread::spawn(move || trade(address));

    let mut last_news = Instant::now();
    while readers.iter().any(|reader| reader.messages < want) {
        let mut news = false;
        for reader in &mut readers {
            news |= reader.pump();
            assert!(
                !reader.closed,
                "a reader was closed after {} messages",
                reader.messages
            );
        }
        match news {
            true => last_news = Instant::now(),
            false => thread::sleep(Duration::from_millis(1)),
        }
        assert!(last_news.elapsed() < PATIENCE, "the stream dried up");
    }
    trader.join().unwrap();

    let recorded = recorder.join().unwrap();
    let unique: HashSet<&String> = recorded.iter().collect();
    assert_eq!(unique.len(), want, "every execution is its own");
    let hash = recorded.iter().fold(EMPTY_HASH, |hash, message| {
        fnv(fnv(hash, message.as_bytes()), b"\n")
    });
    for reader in &readers {
        assert_eq!(
            (reader.messages, reader.hash),
            (want, hash),
            "a reader missed, doubled or mixed up something"
        );
    }
    // The exchange gives a socket that takes nothing one second. Only then do the silent ones look at what fitted into
    // the buffers, and at the end that follows it.
    thread::sleep(Duration::from_secs(4));
    let deadline = Instant::now() + PATIENCE;
    for subscriber in &mut silent {
        while !subscriber.closed {
            if !subscriber.pump() {
                thread::sleep(Duration::from_millis(1));
            }
            assert!(Instant::now() < deadline, "a silent subscriber was never closed");
        }
    }
    assert!(
        silent.iter().all(|subscriber| subscriber.messages < want),
        "a silent one was served to the end"
    );
    let said = process.terminate();
    assert!(
        said.contains("output_full_stalls 0") && said.contains(&format!("slow_consumer_closes {SILENT}")),
        "{said}"
    );
}

/// Every trade is two orders; half a window is in flight at a time.
fn trade(address: SocketAddr) {
    let mut session = websocket(address, "/ws/orders?account=maker").unwrap();
    let mut sent = 0;
    let mut answered = 0;
    while answered < 2 * TRADES {
        while sent < 2 * TRADES && sent - answered < 64 {
            let side = if sent % 2 == 0 { "Sell" } else { "Buy" };
            let body = order_body(side, 50_000_000, "0.5", &format!("n{sent}"));
            session
                .write(tungstenite::Message::text(format!(
                    r#"{{"id":{sent},"op":"place",{}"#,
                    &body[1..]
                )))
                .unwrap();
            sent += 1;
        }
        session.flush().unwrap();
        let text = next_text(&mut session).expect("an answer to every order");
        if text.starts_with(r#"{"id""#) {
            assert!(text.contains(r#""order""#), "{text}");
            answered += 1;
        }
    }
}

/// Keeps every message of the stream, which is what each reader must have got.
fn record(address: SocketAddr, want: usize) -> JoinHandle<Vec<String>> {
    let mut socket = websocket(address, "/ws/executions").unwrap();
    thread::spawn(move || {
        (0..want)
            .map(|_| next_text(&mut socket).expect("every execution"))
            .collect()
    })
}

fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .unwrap();
}
