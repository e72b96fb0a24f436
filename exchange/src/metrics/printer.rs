//! The thread that answers whoever asks how the exchange is doing.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use hoga_gateway::{GatewayStats, GatewayWaker, LogEvent, Page, Printed, Telemetry, Ticket, TurnTimes};

use super::gateway::GatewayRecorders;
use super::{Metrics, exposition, latency};
use crate::cores::{self, CorePlan};
use crate::log::incidents::Incidents;
use crate::priority;

/// The most pages under way; one more is refused.
pub const MOST_PAGES: usize = 8;

/// What the gateway tells and asks.
pub struct Reporter {
    recorders: GatewayRecorders,
    asked: SyncSender<(Ticket, Page)>,
    printed: Receiver<Printed>,
    under_way: usize,
    incidents: Incidents,
}

/// Starts the thread; it ends when the reporter is dropped.
///
/// # Errors
/// The system cannot start a thread.
pub fn start(
    metrics: Arc<Metrics>,
    recorders: GatewayRecorders,
    waker: GatewayWaker,
    plan: CorePlan,
) -> io::Result<(Reporter, JoinHandle<()>)> {
    // Neither end is ever full: as many pages are under way as each has room for.
    let (asked, asks) = sync_channel(MOST_PAGES);
    let (print, printed) = sync_channel(MOST_PAGES);
    let body = move || {
        cores::keep_off(&plan);
        priority::go_behind_those_who_trade();
        for (ticket, page) in asks {
            let (content_type, body) = make(&metrics, page);
            let page = Printed {
                ticket,
                content_type,
                body,
            };
            if print.send(page).is_err() {
                return;
            }
            waker.wake();
        }
    };
    let thread = thread::Builder::new().name("hoga-metrics".into()).spawn(body)?;
    let reporter = Reporter {
        recorders,
        asked,
        printed,
        under_way: 0,
        incidents: Incidents::default(),
    };
    Ok((reporter, thread))
}

fn make(metrics: &Arc<Metrics>, page: Page) -> (&'static str, Vec<u8>) {
    match page {
        Page::Metrics { openmetrics: true } => (
            exposition::OPENMETRICS,
            exposition::openmetrics(metrics).into_bytes(),
        ),
        Page::Metrics { openmetrics: false } => (
            exposition::PROMETHEUS,
            exposition::prometheus(metrics).into_bytes(),
        ),
        Page::Latency => ("application/json", latency::print(metrics).into_bytes()),
    }
}

impl Telemetry for Reporter {
    fn turned(&mut self, times: TurnTimes, stats: &GatewayStats) {
        self.recorders.turned(times, stats);
        if self.incidents.owes() {
            self.incidents.settle(Instant::now());
        }
    }

    fn ask(&mut self, ticket: Ticket, page: Page) -> bool {
        let taken = self.under_way < MOST_PAGES && self.asked.try_send((ticket, page)).is_ok();
        self.under_way += usize::from(taken);
        taken
    }

    fn printed(&mut self) -> Option<Printed> {
        let printed = self.printed.try_recv().ok()?;
        self.under_way -= 1;
        Some(printed)
    }

    fn log(&mut self, notice: &LogEvent) {
        self.incidents.tell(notice, Instant::now());
    }
}
