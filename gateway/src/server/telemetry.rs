//! Pages about the running exchange, which another thread makes.

use std::time::Duration;

use crate::codec::{ApiError, codes};
use crate::ports::{LogEvent, Page, Printed, Telemetry, Ticket, TurnTimes};
use crate::server::peer::Peer;
use crate::stats::GatewayStats;

/// The telemetry, where there is one, and how many pages it owes.
#[derive(Default)]
pub(crate) struct TelemetryClient {
    telemetry: Option<Box<dyn Telemetry>>,
    owed: usize,
}

impl TelemetryClient {
    /// From now on this one is told and asked.
    pub fn observe(&mut self, telemetry: Box<dyn Telemetry>) {
        self.telemetry = Some(telemetry);
    }

    /// Whether anybody is told.
    pub fn is_observed(&self) -> bool {
        self.telemetry.is_some()
    }

    /// A turn that did something is over.
    pub fn turned(&mut self, whole: Duration, broadcast: Option<Duration>, stats: &GatewayStats) {
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.turned(TurnTimes { whole, broadcast }, stats);
        }
    }

    /// Something happened that an operator may want to read of.
    pub fn log(&mut self, event: &LogEvent) {
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.log(event);
        }
    }

    /// Asks for a page on behalf of `peer`, which must wait for it and for nothing else.
    ///
    /// # Errors
    /// 503 `busy` when as many are asked for as may be; 404 `not_found` when nobody makes pages.
    pub fn ask(&mut self, peer: Peer, page: Page) -> Result<(), ApiError> {
        let Some(telemetry) = &mut self.telemetry else {
            return Err(ApiError::new(
                codes::NOT_FOUND,
                "nothing is measured in this process",
            ));
        };
        let ticket = Ticket { peer, origin: None };
        if !telemetry.ask(ticket, page) {
            let message =
                "as many pages about the exchange are being made as may be at once; try again shortly";
            return Err(ApiError::new(codes::BUSY, message));
        }
        self.owed += 1;
        Ok(())
    }

    /// The next page that is ready, and who waits for it.
    pub fn next(&mut self) -> Option<(Peer, Printed)> {
        if self.owed == 0 {
            return None;
        }
        let printed = self.telemetry.as_mut()?.printed()?;
        self.owed -= 1;
        Some((printed.ticket.peer, printed))
    }
}
