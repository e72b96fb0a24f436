//! A process without descriptors left. The limit is the process's own, so this test has one to itself.

mod common;

use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use common::http::ask;
use common::{Setup, World};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn a_lack_of_descriptors_neither_spins_nor_loses_a_connection() {
    let world = World::with(Setup::default());
    let address = world.address;
    let clients = world.ask(move |gateway| {
        // The kernel takes the connections in; the gateway has descriptors left for three of them.
        let clients: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
        let highest = clients.iter().map(AsRawFd::as_raw_fd).max().unwrap() as u64;
        let before = getrlimit(Resource::Nofile);
        let scarce = Rlimit {
            current: Some(highest + 4),
            maximum: before.maximum,
        };
        setrlimit(Resource::Nofile, scarce).unwrap();
        let start = Instant::now();
        let mut turns = 0;
        while start.elapsed() < Duration::from_millis(250) {
            gateway.turn(Duration::from_millis(20)).unwrap();
            turns += 1;
        }
        let taken = gateway.stats().connections;
        setrlimit(Resource::Nofile, before).unwrap();
        assert!(taken < clients.len(), "the limit did not bite");
        assert!(
            turns < 100,
            "{turns} turns in a quarter of a second with nothing to do"
        );
        clients
    });
    world.until("all to be taken in", |stats| stats.connections == clients.len());
    assert_eq!(ask(&world, "GET", "/healthz", "").status, 200);
}
