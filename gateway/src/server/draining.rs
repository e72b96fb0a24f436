//! Events out of the output ring.

use hoga_protocol::{EventBody, Nanos};
use hoga_service::{Clock, CommandSink, EventSource};

use super::{Gateway, OpenCore};

/// Most events taken from the output ring at once.
const EVENTS_AT_ONCE: usize = 256;

/// Most executions that the gateway encodes before it serves connections, while no more than [`FAR_BEHIND`] are left: a client's
/// reply does not wait until the gateway has encoded all fills of another's large order.
const PUBLISHED_AT_ONCE: u64 = 128;

/// While the broadcast log is further behind the views than this, in executions, the gateway encodes as many as it folds.
const FAR_BEHIND: u64 = 4_096;

/// The most executions of one event: a trade is one of each side.
const EXECUTIONS_OF_EVENT: u64 = 2;

/// Once so many events are folded, connections have their turn as soon as the command at hand is folded whole.
const EVENTS_PER_DRAIN: usize = 4_096;

impl<S: CommandSink, E: EventSource, C: Clock> Gateway<S, E, C> {
    /// Folds events into the views, answers those whose command is through, and encodes some of the new executions. It stops between
    /// two commands when it has folded many, and when readers must be handed first what folding on would evict. Returns how many
    /// events and executions that were.
    pub(super) fn drain(&mut self) -> usize {
        let Some(OpenCore {
            service,
            waiters,
            source,
            broadcast_log,
        }) = &mut self.core
        else {
            return 0;
        };
        let (connections, framer, now) = (&mut self.connections, &mut self.framer, self.now);
        let (mut events, mut published) = (0, 0);
        loop {
            let is_complete = service.views().is_complete();
            let most = match events < EVENTS_PER_DRAIN {
                true => EVENTS_AT_ONCE,
                false if is_complete => break,
                false => 1,
            };
            let room = self.backpressure.room(connections, service.views(), most, now);
            connections.readers_first = room == 0;
            if room == 0 {
                self.stats.held_drains += 1;
                break;
            }
            let mut leap = Nanos(0);
            let drained = source.drain(room, &mut |events| {
                service.prefetch(events.iter().copied());
                for &event in events {
                    if let EventBody::ClockAccepted(accepted) = &event.body {
                        leap.0 += accepted.to.0 - accepted.from.0;
                    }
                    service.fold(event, &mut |correlation, reply, views| {
                        if let Some(waiter) = waiters.take(correlation) {
                            connections.answer(&waiter, reply, views, framer, now);
                        }
                    });
                    connections.note_event(event, service.views());
                }
            });
            if drained == 0 {
                break;
            }
            // Together with the views, whose deadlines have moved by as much.
            if leap > Nanos(0) {
                self.clock.leap(leap);
            }
            events += drained;
            if broadcast_log.behind(service.views()) > FAR_BEHIND {
                let (began, most) = (self.clock.monotonic(), EXECUTIONS_OF_EVENT * drained as u64);
                published += broadcast_log.publish(service.views(), framer, connections.listeners(), most);
                *self.broadcast.get_or_insert_default() += self.clock.monotonic() - began;
            }
        }
        if broadcast_log.behind(service.views()) > 0 {
            let began = self.clock.monotonic();
            published += broadcast_log.publish(
                service.views(),
                framer,
                connections.listeners(),
                PUBLISHED_AT_ONCE,
            );
            *self.broadcast.get_or_insert_default() += self.clock.monotonic() - began;
        }
        if published > 0 {
            connections.unpark();
        }
        self.stats.events += events as u64;
        self.stats.executions += published as u64;
        events + published
    }
}
