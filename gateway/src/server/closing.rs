//! The last moments of a connection that the exchange closes first.

use std::net::Shutdown;
use std::time::Duration;

use crate::server::connection_buffer::{ConnectionBuffer, Got};
use crate::server::step::Step;

/// How long a peer may take to close its side.
const PATIENCE: Duration = Duration::from_secs(1);

/// Most reads each time, so that a peer that keeps sending is not read for long at once.
const READS: usize = 4;

/// Everything is written and our side shut; what still comes is thrown away until the peer closes too.
///
/// Closing a socket with unread bytes in it resets the connection, and a reset may overtake the last response.
#[derive(Debug)]
pub(crate) struct Closing {
    until: Duration,
    shut: bool,
}

impl Closing {
    /// Lingers from `now` on.
    pub fn new(now: Duration) -> Self {
        Self {
            until: now + PATIENCE,
            shut: false,
        }
    }

    /// When the peer's time is up.
    pub fn deadline(&self) -> Duration {
        self.until
    }

    /// Throws away what came.
    pub fn serve(&mut self, buffer: &mut ConnectionBuffer, now: Duration) -> Step {
        if !self.shut {
            self.shut = true;
            if buffer.socket.shutdown(Shutdown::Write).is_err() {
                return Step::Drop;
            }
        }
        let mut waste = [0; 4096];
        for _ in 0..READS {
            match buffer.read(&mut waste, now) {
                Ok(Got::Bytes(_)) => {}
                Ok(Got::Nothing) => return Step::Idle,
                Ok(Got::End) | Err(_) => return Step::Drop,
            }
        }
        Step::Again
    }
}
