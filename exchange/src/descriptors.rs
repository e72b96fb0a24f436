//! How many files the exchange may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::notices::warn;

/// Descriptors that an exchange needs beside its connections: files, wake-ups, the listener.
pub const BESIDE_CONNECTIONS: u64 = 64;

/// Asks for as many file descriptors as the connections may take. The soft limit of 1,024 that most systems start a
/// program with is there for programs that use `select`; the hard limit is the operator's word.
pub fn raise_limit(connections: u64) {
    let wanted = connections + BESIDE_CONNECTIONS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let reachable = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(reachable),
            maximum,
        },
    );
    if raised.is_err() || reachable < wanted {
        let open = if raised.is_ok() {
            reachable
        } else {
            current.unwrap_or(wanted)
        };
        warn(&format!(
            "gateway.max_connections is {connections}, but this process may open only {open} files: raise the \
             hard limit (ulimit -Hn, LimitNOFILE) or lower the setting"
        ));
    }
}
