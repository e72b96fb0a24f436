//! Events out of the output ring.

use hoga_protocol::{EventBody, Nanos};

use super::{Gateway, OpenCore};
use crate::clock::Clock;
use crate::ports::{CommandSink, EventSource};

/// Most events taken from the output ring at once.
const EVENTS_AT_ONCE: usize = 256;

/// Once so many events are folded, connections have their turn as soon as the command at hand is folded whole.
const EVENTS_PER_DRAIN: usize = 4_096;

impl<S: CommandSink, E: EventSource, C: Clock> Gateway<S, E, C> {
    /// Folds events into the views, answers those whose command is through, and encodes new executions. It stops between two
    /// commands when it has folded many, and when readers must be handed first what folding on would evict.
    pub(super) fn drain(&mut self) -> usize {
        let Some(OpenCore { desk, source, lanes }) = &mut self.core else {
            return 0;
        };
        let (connections, framer, now) = (&mut self.connections, &mut self.framer, self.now);
        let (mut events, mut published, mut unpublished) = (0, 0, 0);
        loop {
            let is_complete = desk.views.is_complete();
            let most = match events < EVENTS_PER_DRAIN {
                true => EVENTS_AT_ONCE,
                false if is_complete => break,
                false => 1,
            };
            let room = self.backpressure.room(connections, &desk.views, most, now);
            if room == 0 {
                self.stats.held_drains += 1;
                break;
            }
            let mut leap = Nanos(0);
            let drained = source.drain(room, &mut |event| {
                if let EventBody::ClockAccepted(accepted) = &event.body {
                    leap.0 += accepted.to.0 - accepted.from.0;
                }
                desk.fold(event, &mut |waiter, outcome, views| {
                    connections.answer(&waiter, outcome, views, framer, now);
                });
                connections.notice(event, &desk.views);
            });
            if drained == 0 {
                break;
            }
            // Together with the views, whose deadlines have moved by as much.
            if leap > Nanos(0) {
                self.clock.leap(leap);
            }
            events += drained;
            unpublished += drained;
            if unpublished < EVENTS_AT_ONCE && drained == room && !desk.views.is_complete() {
                continue;
            }
            unpublished = 0;
            if lanes.next() < desk.views.executions().next() {
                let began = self.clock.monotonic();
                published += lanes.publish(&desk.views, framer, connections.listeners());
                *self.broadcast.get_or_insert_default() += self.clock.monotonic() - began;
            }
        }
        if published > 0 {
            connections.unpark();
        }
        self.stats.events += events as u64;
        self.stats.executions += published as u64;
        events
    }
}
