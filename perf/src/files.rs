//! How many files this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::failure::{Context, Failure, Outcome};

/// File descriptors beside those of subscribers: sessions, wake-ups, the report.
const SPARE: u64 = 64;

/// Makes room for so many sockets.
///
/// # Errors
/// When the system does not allow as many.
pub fn raise_limit(sockets: u64) -> Outcome<()> {
    let need = sockets + SPARE;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= need) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < need) {
        return Err(Failure::new(format!(
            "{need} open files are needed and at most {} allowed: raise `ulimit -Hn`, or lower --subscribers",
            limit.maximum.unwrap_or_default()
        )));
    }
    let raised = Rlimit {
        current: Some(need),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context(|| format!("cannot raise the limit of open files to {need}"))
}
