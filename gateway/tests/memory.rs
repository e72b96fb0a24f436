//! What a connection costs in memory, counted on the gateway's own thread.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use common::{PATIENCE, Setup, TestGateway, World};
use hoga_gateway::GatewayConfig;

const CLIENTS: usize = 200;

/// What one idle WebSocket may take, all of it together.
const PROMISE: i64 = 4 * 1024;

fn world() -> World {
    let setup = Setup::default();
    World::with(Setup {
        config: GatewayConfig {
            test_echo: true,
            ..setup.config
        },
        ..setup
    })
}

/// A connection whose handshake is sent and not answered.
fn begin(world: &World, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n",
        world.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// A frame whose mask changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u64;
    let mut bytes = vec![first];
    match len {
        0..126 => bytes.push(0x80 | len as u8),
        126..65_536 => {
            bytes.push(0xfe);
            bytes.extend((len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0xff);
            bytes.extend(len.to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// What the gateway's thread takes and keeps while `act` is done here.
fn counted(world: &World, act: impl FnOnce()) -> AllocationInfo {
    let over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&over);
    std::thread::scope(|scope| {
        let counting = scope.spawn(move || {
            world.ask(move |gateway: &mut TestGateway| {
                measure(|| {
                    while !seen.load(Ordering::Acquire) {
                        gateway.turn(Duration::from_millis(1)).unwrap();
                    }
                    while gateway.turn(Duration::from_millis(5)).unwrap() > 0 {}
                })
            })
        });
        act();
        over.store(true, Ordering::Release);
        counting.join().unwrap()
    })
}

fn answered(stream: &mut TcpStream) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
}

fn read(stream: &mut TcpStream, count: usize) {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
}

#[test]
fn an_idle_websocket_takes_no_more_memory_than_was_promised() {
    for (path, headers) in [
        ("/ws/executions", ""),
        (
            "/ws/executions",
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        ),
        ("/ws/orders", ""),
        ("/ws/echo", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    ] {
        let world = world();
        let mut streams = Vec::new();
        let taken = counted(&world, || {
            streams.extend((0..CLIENTS).map(|_| begin(&world, path, headers)));
            streams.iter_mut().for_each(answered);
        });
        let each = taken.bytes_current / CLIENTS as i64;
        println!("{path}, {headers:?}: {each} bytes each");
        assert!(each <= PROMISE, "{path}, {headers:?}: {each} bytes each");
    }
}

#[test]
fn what_a_client_has_sent_is_not_held_for_ever() {
    let world = world();
    let large = vec![b'x'; 65_536];
    let half = &large[..32_768];
    let mut streams: Vec<TcpStream> = Vec::new();
    let taken = counted(&world, || {
        for _ in 0..CLIENTS {
            let mut stream = begin(
                &world,
                "/ws/echo",
                "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            );
            answered(&mut stream);
            streams.push(stream);
        }
    });
    let mut stored = Vec::new();
    for (number, piece) in large.chunks(32_768).enumerate() {
        stored.extend([0, 0, 0x80, 0xff, 0x7f]);
        stored.extend(piece);
        stored.extend((number == 1).then_some(0));
    }
    let pings: Vec<u8> = frame(0x89, &[7; 125]).repeat(20);
    let kept = counted(&world, || {
        for stream in &mut streams {
            for bytes in [
                frame(0x81, &large),
                [frame(0x01, half), frame(0x80, half)].concat(),
                frame(0xc1, &stored),
            ] {
                stream.write_all(&bytes).unwrap();
                let mut head = [0; 4];
                stream.read_exact(&mut head).unwrap();
                let [first, short, high, low] = head;
                assert_eq!((first, short), (0xc1, 126), "a compressed answer");
                read(stream, usize::from(u16::from_be_bytes([high, low])));
            }
            stream.write_all(&pings).unwrap();
            read(stream, 20 * 127);
        }
    });
    let each = (taken.bytes_current + kept.bytes_current) / CLIENTS as i64;
    println!(
        "{each} bytes each, {} more than before",
        kept.bytes_current / CLIENTS as i64
    );
    // What all share has grown too, and is little for each.
    let shared = (3 * 65_536 + 65_536) / CLIENTS as i64;
    assert!(each <= PROMISE + shared, "{each} bytes each");
}

#[test]
fn a_client_that_only_talks_is_not_listened_to_for_ever() {
    for (what, bytes) in [
        ("pings", frame(0x89, &[7; 125])),
        ("empty pings", frame(0x89, b"")),
        ("messages", frame(0x82, &[7; 1_000])),
    ] {
        let world = world();
        let mut stream = begin(&world, "/ws/echo", "");
        answered(&mut stream);
        stream.set_nonblocking(true).unwrap();
        let burst = bytes.repeat(64 * 1024 / bytes.len());
        let mut sent = 0;
        let taken = counted(&world, || {
            // Nothing is read here, so a time comes when nothing is taken there.
            let mut refusals = 0;
            while refusals < 200 {
                assert!(sent < 1 << 28, "{what}: {sent} bytes taken");
                match stream.write(&burst[sent % bytes.len()..]) {
                    Ok(count) => (sent, refusals) = (sent + count, 0),
                    Err(error) => {
                        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                        refusals += 1;
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            }
        });
        println!("{what}: {} bytes held after {sent}", taken.bytes_current);
        assert!(
            taken.bytes_current < 128 * 1024,
            "{what}: {} bytes held",
            taken.bytes_current
        );
    }
}

#[test]
fn a_flood_that_asks_for_no_answer_keeps_nobody_else_waiting() {
    for (what, bytes) in [
        ("pongs", frame(0x8a, b"")),
        ("fragments", frame(0x00, b"")),
        ("messages", frame(0x82, b"x")),
    ] {
        let world = world();
        let mut stream = begin(&world, "/ws/executions", "");
        answered(&mut stream);
        stream.write_all(&frame(0x02, b"")).unwrap();
        if what != "fragments" {
            stream.write_all(&frame(0x80, b"")).unwrap();
        }
        let burst = bytes.repeat(64 * 1024 / bytes.len());
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    stream.write_all(&burst).unwrap();
                }
            });
            // Every turn ends, and others are served in between.
            for _ in 0..20 {
                assert_eq!(
                    common::http::ask(&world, "GET", "/healthz", "").status,
                    200,
                    "{what}"
                );
            }
            over.store(true, Ordering::Release);
        });
    }
}
