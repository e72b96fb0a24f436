//! Exchange time and the system's clock: of the journal that would be gone on with, and of a running exchange.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use hoga_follower::decode;
use hoga_journal::{Access, DiskStorage, LockError, LockGuard, Reader, SegmentFile, Storage};
use hoga_protocol::Nanos;

use super::report::Finding;
use crate::client;
use crate::clock::{describe, difference, is_followed};
use crate::recovery::journal_dir;

/// What to do about a clock that is not followed.
const MEND: &str = "set the system's clock right (timedatectl, chronyc makestep); where it is right and ahead: \
                    hoga admin clock accept";

/// What it costs that a clock is not followed.
const COST: &str =
    "stamps and deadlines go on without the system's clock, and differ from everybody else's time";

/// What a start would make of the system's clock `system`, where the journal's last stamp is `last`.
pub fn judge_start(system: Nanos, last: Nanos) -> Finding {
    let check = "journal time";
    let difference = difference(system, last);
    let found = format!(
        "the system's clock is {} the journal's last stamp",
        describe(difference)
    );
    if difference >= 0 || is_followed(difference) {
        return Finding::fine(check, found);
    }
    Finding::broken(check, found, COST, MEND)
}

/// What an exchange that shows `page` at `/metrics` makes of the system's clock.
pub fn judge_running(page: &str) -> Finding {
    let check = "exchange time";
    let sample = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<f64>().ok())
    };
    let Some(seconds) = sample("hoga_clock_difference_seconds ") else {
        return Finding::unknown(
            check,
            "its metrics do not tell",
            "",
            "a hoga serve of this version",
        );
    };
    let difference = (seconds * 1e9) as i64;
    let found = format!("the system's clock is {} exchange time", describe(difference));
    if is_followed(difference) {
        Finding::fine(check, found)
    } else {
        Finding::broken(check, format!("{found}, and not followed"), COST, MEND)
    }
}

/// Asks the exchange that listens on `address`.
pub fn examine_running(mut address: SocketAddr) -> Finding {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    client::get(&address.to_string(), "/metrics").map_or_else(
        |why| {
            let found = format!("{address} cannot be asked: {why}");
            Finding::unknown(
                "exchange time",
                found,
                "",
                "--config with the exchange's own listen",
            )
        },
        |page| judge_running(&page),
    )
}

/// The last stamp in the journal of `data_dir`: the greatest in its last two segments. None where there is no journal, or it
/// cannot be read.
pub fn last_stamp(data_dir: &Path) -> Option<Nanos> {
    let storage = Arc::new(LastSegments(DiskStorage::new(journal_dir(data_dir))));
    let mut reader = Reader::open_present(storage).ok()?;
    let mut last = None;
    while let Ok(Some(record)) = reader.next_record() {
        let stamp = decode(record.sequence, record.bytes).ok().map(|(stamp, _)| stamp);
        last = last.max(stamp);
    }
    last
}

/// A journal of which only the last two segments are seen; the last may be one that is made beforehand and empty.
struct LastSegments(DiskStorage);

impl Storage for LastSegments {
    fn location(&self) -> String {
        self.0.location()
    }

    fn lock(&self) -> Result<LockGuard, LockError> {
        Err(LockError::Io(io::ErrorKind::Unsupported.into()))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = self.0.list()?;
        names.retain(|name| name.ends_with(".hoga"));
        names.sort_unstable();
        Ok(names.split_off(names.len().saturating_sub(2)))
    }

    fn create(&self, _: &str) -> io::Result<Box<dyn SegmentFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Box<dyn SegmentFile>> {
        self.0.open(name, access)
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_dir(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Grade;

    #[test]
    fn a_clock_that_an_exchange_does_not_follow_is_not_fine() {
        let page = |seconds: &str| format!("hoga_ready 1\nhoga_clock_difference_seconds {seconds}\n");
        for (page, grade) in [
            (page("0.0021"), Grade::Fine),
            (page("-10"), Grade::Fine),
            (page("-3600.5"), Grade::Broken),
            (page("315360000"), Grade::Broken),
            ("hoga_ready 1\n".to_owned(), Grade::Unknown),
        ] {
            assert_eq!(judge_running(&page).grade, grade, "{page}");
        }
        let last = 1_767_225_600_000_000_000;
        for (system, grade) in [
            (last, Grade::Fine),
            (last + 86_400_000_000_000, Grade::Fine),
            (last - 10_000_000_000, Grade::Fine),
            (last - 10_000_000_001, Grade::Broken),
        ] {
            assert_eq!(judge_start(Nanos(system), Nanos(last)).grade, grade, "{system}");
        }
    }
}
