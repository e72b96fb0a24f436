//! The gateway's thread: opened once the core is recovered, drained at the stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hoga_gateway::{Gateway, GatewayStats};

use super::{CLOSE_FOR, DRAIN_FOR, ExchangeCore, ExchangeGateway};
use crate::agent::{Idle, IdleStrategy, Idler, LONGEST_PARK};
use crate::cores::{self, CorePlan};
use crate::memory;
use crate::notices;

/// The gateway's side of what it is told, and tells.
pub struct Door {
    /// The core, once it is recovered.
    pub opened: Receiver<ExchangeCore>,
    /// Told when it is taken, and again when clients are served.
    pub answer: SyncSender<()>,
    /// How often the loop has turned.
    pub turns: Arc<AtomicU64>,
    /// For how long clients are still served after the stop.
    pub leave_for: Duration,
}

/// Starts the gateway's thread; it ends after `stop`, once it is drained.
///
/// # Errors
/// In words: the system gives no thread.
pub fn spawn_gateway(
    mut gateway: ExchangeGateway,
    door: Door,
    stop: Arc<AtomicBool>,
    plan: CorePlan,
    idle: IdleStrategy,
) -> Result<JoinHandle<Option<GatewayStats>>, String> {
    let body = move || {
        cores::pin(plan.gateway());
        memory::touch_stack();
        let mut idler = Idler::new(idle, plan.gateway());
        let (mut is_open, mut is_serving) = (false, false);
        let mut turns = 0;
        while !stop.load(Ordering::SeqCst) {
            if !is_open && let Ok(core) = door.opened.try_recv() {
                gateway.open(core);
                is_open = true;
                // Whoever waits may have given up; the stop will come.
                let _ = door.answer.send(());
            }
            if !is_serving && gateway.is_serving() {
                is_serving = true;
                let _ = door.answer.send(());
            }
            turns += 1;
            door.turns.store(turns, Ordering::Relaxed);
            turn(&mut gateway, &mut idler, LONGEST_PARK);
        }
        finish(gateway, is_open, door.leave_for)
    };
    thread::Builder::new()
        .name("hoga-gateway".into())
        .spawn(body)
        .map_err(|error| format!("cannot start a thread: {error}"))
}

/// One duty cycle of the gateway; it sleeps in its own poll, so that a socket wakes it as well as an event.
fn turn(gateway: &mut ExchangeGateway, idler: &mut Idler, longest: Duration) {
    match gateway.turn(Duration::ZERO) {
        Ok(0) => {}
        Ok(_) => return idler.reset(),
        Err(error) => die(&error),
    }
    if idler.idle() == Idle::Sleep {
        match gateway.turn(longest) {
            Ok(0) => {}
            Ok(_) => idler.reset(),
            Err(error) => die(&error),
        }
    }
}

fn die(error: &io::Error) -> ! {
    notices::die(&format!(
        "the gateway's poll failed: {error}. Every acknowledged order is in the journal"
    ))
}

/// Serves on for `leave_for`, answers what was sequenced, says good-bye, and ends the rings.
fn finish(mut gateway: ExchangeGateway, is_open: bool, leave_for: Duration) -> Option<GatewayStats> {
    let mut idler = Idler::new(IdleStrategy::Park, None);
    let mut turn_until =
        |gateway: &mut ExchangeGateway, done: fn(&ExchangeGateway) -> bool, most: Duration| {
            let deadline = Instant::now() + most;
            while !done(gateway) && Instant::now() < deadline {
                turn(gateway, &mut idler, Duration::from_millis(20));
            }
        };
    if gateway.is_serving() {
        gateway.announce_drain();
        turn_until(&mut gateway, |_| false, leave_for);
    }
    gateway.begin_drain();
    turn_until(&mut gateway, Gateway::is_drained, DRAIN_FOR);
    gateway.close_all();
    turn_until(&mut gateway, Gateway::is_closed, CLOSE_FOR);
    let stats = gateway.stats();
    if is_open {
        let core = gateway.into_core()?;
        drop(core.sink);
        let mut source = core.source;
        // The matcher may still have events; a full ring would keep it from ending.
        while !source.has_ended() {
            if hoga_service::EventSource::drain(&mut source, 4_096, &mut |_| {}) == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
    Some(stats)
}
