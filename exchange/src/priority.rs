//! Which threads go first where there are fewer cores than threads.

/// The lowest priority that still gets its share of an idle machine.
const LOWEST_NICE: i32 = 19;

/// What the priority is lowered by of threads for which a client waits.
const HELPER_NICE: i32 = 10;

/// This thread takes what all others leave.
pub fn go_last() {
    lower_by(LOWEST_NICE);
}

/// This thread gives way to the gateway and the core, and yet gets a tenth of a busy core.
pub fn go_behind_those_who_trade() {
    lower_by(HELPER_NICE);
}

fn lower_by(nice: i32) {
    // Where the system refuses, the thread is one among equals.
    let _ = rustix::process::setpriority_process(None, nice);
}
