//! Signs of life: pings, pongs, heartbeats.

mod common;

use std::time::Duration;

use common::ws::Ws;
use common::{Setup, World};
use hoga_gateway::GatewayConfig;

fn by_hand() -> World {
    World::with(Setup {
        by_hand: true,
        ..Setup::default()
    })
}

/// One that says nothing of its own accord, so that pings and pongs are all there is.
fn without_heartbeats() -> World {
    let setup = Setup::default();
    World::with(Setup {
        config: GatewayConfig {
            heartbeat: Duration::from_secs(24 * 60 * 60),
            ..setup.config
        },
        by_hand: true,
        ..Setup::default()
    })
}

#[test]
fn a_websocket_that_is_silent_is_pinged_and_then_closed() {
    let config = GatewayConfig::default();
    let world = without_heartbeats();
    for path in ["/ws/executions", "/ws/orders"] {
        let mut ws = Ws::connect(&world, path);
        world.until("it", |stats| stats.subscribers + stats.sessions == 1);
        for _ in 0..3 {
            world.advance(config.ping_after + Duration::from_millis(200));
            // Reading the ping queues the pong, which flushing sends.
            assert!(ws.socket.read().unwrap().is_ping());
            ws.socket.flush().unwrap();
            world.settle();
        }
        world.advance(config.ping_after + Duration::from_millis(200));
        world.settle();
        world.advance(config.close_after - config.ping_after);
        world.settle();
        let close = loop {
            match ws.socket.read().unwrap() {
                tungstenite::Message::Close(Some(frame)) => break frame,
                tungstenite::Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(close.reason.contains("keepalive"), "{close:?}");
        assert!(ws.ends());
        drop(ws);
        world.until("it to be gone", |stats| stats.connections == 0);
    }
}

#[test]
fn an_order_session_with_nothing_to_say_tells_that_it_lives_and_the_founding_stream_says_nothing_else() {
    let config = GatewayConfig::default();
    let world = by_hand();
    let mut stream = Ws::connect(&world, "/ws/executions");
    let mut session = Ws::connect(&world, "/ws/orders?account=alice");
    world.until("both", |stats| stats.subscribers + stats.sessions == 2);
    for _ in 0..2 {
        world.advance(config.heartbeat - Duration::from_millis(1));
        world.settle();
        // What is sent in time takes the heartbeat's place.
        session.send(r#"{"id":1,"op":"cancel_all"}"#);
        assert_eq!(session.text(), r#"{"id":1,"canceled":0}"#);
        world.advance(config.heartbeat + Duration::from_millis(200));
        let heartbeat = session.json();
        assert_eq!(heartbeat["type"], "heartbeat");
        assert!(
            heartbeat["time"].as_str().unwrap().starts_with("2023-04-30T12:3"),
            "{heartbeat}"
        );
    }
    world.ask(|gateway| gateway.close_all());
    let (before, frame) = session.closed();
    let reason = "the exchange is shutting down";
    let farewell = format!(r#"{{"type":"server_shutdown","reason":"{reason}"}}"#);
    assert_eq!(before, [farewell]);
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1001, reason));
    let (before, frame) = stream.closed();
    assert_eq!((before, u16::from(frame.code)), (Vec::new(), 1001));
}

#[test]
fn a_client_that_keeps_the_connection_alive_itself_is_answered_and_left_alone() {
    use tungstenite::Message;
    let config = GatewayConfig::default();
    let world = without_heartbeats();
    for path in ["/ws/executions", "/ws/orders"] {
        let mut ws = Ws::connect(&world, path);
        world.until("it", |stats| stats.subscribers + stats.sessions == 1);
        for round in 0u8..10 {
            world.advance(config.ping_after - Duration::from_millis(200));
            world.settle();
            ws.socket.send(Message::Ping(vec![round; 3].into())).unwrap();
            // Had the exchange pinged too, that would be read first.
            assert_eq!(
                ws.socket.read().unwrap(),
                Message::Pong(vec![round; 3].into()),
                "{path}"
            );
        }
        ws.socket.close(None).unwrap();
        assert!(ws.ends());
        drop(ws);
        world.until("it to be gone", |stats| stats.connections == 0);
    }
}

#[test]
fn a_ping_is_given_all_its_time_to_be_answered() {
    use tungstenite::Message;
    let config = GatewayConfig::default();
    let world = without_heartbeats();
    for path in ["/ws/executions", "/ws/orders"] {
        let mut ws = Ws::connect(&world, path);
        world.until("it", |stats| stats.subscribers + stats.sessions == 1);
        world.advance(config.ping_after);
        world.settle();
        assert!(ws.socket.read().unwrap().is_ping(), "{path}");
        world.advance(config.close_after - config.ping_after - Duration::from_millis(300));
        world.settle();
        // Reading the ping queued the pong, which counts from when it comes.
        ws.socket.flush().unwrap();
        world.settle();
        world.advance(config.ping_after - Duration::from_millis(200));
        world.settle();
        ws.socket.send(Message::Ping("alive".into())).unwrap();
        assert_eq!(ws.socket.read().unwrap(), Message::Pong("alive".into()), "{path}");
        ws.socket.close(None).unwrap();
        assert!(ws.ends());
        drop(ws);
        world.until("it to be gone", |stats| stats.connections == 0);
    }
}
