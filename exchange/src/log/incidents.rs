//! What the gateway notices, as lines of the log: at most one a second of each kind that clients can cause.

use std::time::{Duration, Instant};

use hoga_gateway::LogEvent;
use hoga_protocol::{AccountName, ArmCause};
use tracing::{info, warn};

/// How long a kind is silent after a line.
const SILENCE: Duration = Duration::from_secs(1);

/// The kinds that clients can cause, by the names of their events.
const KINDS: [&str; 5] = [
    "connection_refused",
    "key_refused",
    "key_ended",
    "arming_fired",
    "limited",
];

/// Tells of what happens, and counts what it does not tell of.
#[derive(Debug, Default)]
pub struct Incidents {
    kinds: [Rarely; KINDS.len()],
    /// Whether any kind has something that was not told of.
    owes: bool,
}

impl Incidents {
    /// Tells of it at `now`, unless its kind was told of within the last second.
    pub fn tell(&mut self, notice: &LogEvent, now: Instant) {
        let kind = match notice {
            LogEvent::ConnectionRefused { .. } => 0,
            LogEvent::KeyRefused { .. } => 1,
            LogEvent::KeyEnded { .. } => 2,
            LogEvent::ArmingFired { .. } => 3,
            LogEvent::Limited { .. } => 4,
            // One that is sequenced stands in the journal and is told of.
            LogEvent::Administered { .. } => return write(notice, 0),
        };
        match self.kinds[kind].pass(now) {
            Some(suppressed) => write(notice, suppressed),
            None => self.owes = true,
        }
    }

    /// Whether any kind has something that was not told of.
    pub fn owes(&self) -> bool {
        self.owes
    }

    /// Tells how many more there were of each kind whose second is over at `now`.
    pub fn settle(&mut self, now: Instant) {
        for (event, rarely) in KINDS.iter().zip(&mut self.kinds) {
            if rarely.suppressed > 0
                && rarely.is_due(now)
                && let Some(suppressed) = rarely.pass(now)
            {
                warn!(event, suppressed, "there were more of these");
            }
        }
        self.owes = self.kinds.iter().any(|rarely| rarely.suppressed > 0);
    }
}

/// Something that is told of once in [`SILENCE`].
#[derive(Debug, Default)]
struct Rarely {
    told: Option<Instant>,
    suppressed: u64,
}

impl Rarely {
    /// Whether it may be told of now, and how many were not before it.
    fn pass(&mut self, now: Instant) -> Option<u64> {
        if !self.is_due(now) {
            self.suppressed += 1;
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }

    fn is_due(&self, now: Instant) -> bool {
        self.told
            .is_none_or(|told| now.saturating_duration_since(told) >= SILENCE)
    }
}

fn write(notice: &LogEvent, suppressed: u64) {
    match *notice {
        LogEvent::ConnectionRefused { address, code } => {
            let address = address.to_canonical().to_string();
            warn!(
                event = "connection_refused",
                address, code, suppressed, "a connection was not taken"
            );
        }
        LogEvent::Limited {
            address,
            account,
            code,
        } => warn!(
            event = "limited",
            address = address.map(|address| address.to_string()),
            account = account.as_ref().map(AccountName::as_str),
            code,
            suppressed,
            "an address or account asks for more than it may"
        ),
        LogEvent::KeyRefused { key, code } => warn!(
            event = "key_refused",
            key = key.as_str(),
            code,
            suppressed,
            "a signed request was refused"
        ),
        LogEvent::KeyEnded { key, account } => info!(
            event = "key_ended",
            key = key.as_str(),
            account = account.as_str(),
            suppressed,
            "a connection is closed because its key is good no longer"
        ),
        LogEvent::Administered {
            sequence,
            by,
            action,
            account,
            symbol,
        } => info!(
            event = "administered",
            sequence = sequence.0,
            by = by.as_str(),
            action,
            account = account.as_ref().map(AccountName::as_str),
            symbol = symbol.as_ref().map(|symbol| symbol.as_str()),
            "what an operator asked for is sequenced"
        ),
        LogEvent::ArmingFired {
            account,
            arming,
            cause,
        } => info!(
            event = "arming_fired",
            account = account.as_str(),
            arming = arming.0,
            cause = match cause {
                ArmCause::Disconnect => "Disconnect",
                ArmCause::Deadline(_) => "Deadline",
            },
            suppressed,
            "the orders of an armed account are canceled"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_not_told_of_line_by_line_nor_forgotten() {
        let (began, millis) = (Instant::now(), Duration::from_millis);
        let mut rarely = Rarely::default();
        assert_eq!(rarely.pass(began), Some(0), "the first is told of at once");
        for at in 1..1_000 {
            assert_eq!(rarely.pass(began + millis(at)), None, "after {at} ms");
        }
        assert_eq!(rarely.pass(began + millis(1_000)), Some(999));
        assert_eq!(rarely.pass(began + millis(1_001)), None);
        assert_eq!(rarely.pass(began + millis(5_000)), Some(1));
    }

    #[test]
    fn what_operators_do_is_told_of_each_time_and_what_clients_do_is_not() {
        let now = Instant::now();
        let mut incidents = Incidents::default();
        let refused = LogEvent::ConnectionRefused {
            address: [127, 0, 0, 1].into(),
            code: "too_many_connections",
        };
        for _ in 0..3 {
            incidents.tell(&refused, now);
        }
        incidents.settle(now + SILENCE / 2);
        assert_eq!((incidents.kinds[0].suppressed, incidents.owes()), (2, true));
        incidents.settle(now + SILENCE);
        assert_eq!((incidents.kinds[0].suppressed, incidents.owes()), (0, false));
        let mut incidents = Incidents::default();
        let administered = LogEvent::Administered {
            sequence: hoga_protocol::Sequence(7),
            by: hoga_protocol::OperatorName::new("ann").unwrap(),
            action: "SetFees",
            account: None,
            symbol: None,
        };
        for _ in 0..3 {
            incidents.tell(&administered, now);
        }
        assert!(!incidents.owes() && incidents.kinds.iter().all(|rarely| rarely.told.is_none()));
    }
}
