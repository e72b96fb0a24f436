//! What the service manager is told (systemd, `Type=notify`). Where none asked to be, nothing is sent.

use std::net::SocketAddr;
use std::sync::Once;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::notices::warn;

/// How long a recovery may take for its next step, once it takes longer than the unit's `TimeoutStartSec`.
const EXTENDED_BY: Duration = Duration::from_secs(120);

/// A recovery is told no more often than this.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// A recovery under way: its progress is told, and time is asked for as long as there is some.
#[derive(Debug, Default)]
pub struct Recovering {
    told: Option<Instant>,
}

impl Recovering {
    /// The recovery has come to this sequence.
    pub fn reached(&mut self, sequence: u64) {
        let now = Instant::now();
        if self.told.is_some_and(|told| now - told < TELL_EVERY) {
            return;
        }
        self.told = Some(now);
        tell(&[
            NotifyState::Status(&format!("recovering: sequence {sequence}")),
            NotifyState::ExtendTimeoutUsec(EXTENDED_BY.as_micros() as u32),
        ]);
    }
}

/// It is open for business.
pub fn ready(address: SocketAddr) {
    let status = format!("open for business on http://{address}/");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// It drains and will stop.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// It is well. The manager restarts it after [`watchdog`] without this.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// What it is about, in a few words.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// How long the manager waits for [`alive`], if it does (`WatchdogSec`).
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn tell(state: &[NotifyState<'_>]) {
    static TOLD: Once = Once::new();
    if let Err(error) = sd_notify::notify(state) {
        TOLD.call_once(|| {
            warn(&format!(
                "the service manager cannot be told how the exchange does (NOTIFY_SOCKET): {error}. It may take the \
                 exchange for one that does not start, or does not live"
            ));
        });
    }
}
