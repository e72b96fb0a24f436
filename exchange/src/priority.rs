//! Which threads go first where there are fewer cores than threads.

use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// The lowest priority that still gets its share of an idle machine.
const LOWEST_NICE: i32 = 19;

/// What the priority is lowered by of threads for which a client waits.
const HELPER_NICE: i32 = 10;

/// This thread takes what all others leave: as soon as one of those has something to do it is interrupted. (A thread that
/// only has a low priority is not: the scheduler of Linux since 6.6 lets it go on for up to 3 ms.)
pub fn go_last() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    // Where the system refuses, the thread is one among equals.
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    let _ = rustix::process::setpriority_process(None, LOWEST_NICE);
}

/// Those who trade go before this thread, and yet it gets a tenth of a busy core.
pub fn go_behind_those_who_trade() {
    // Where the system refuses, the thread is one among equals.
    let _ = rustix::process::setpriority_process(None, HELPER_NICE);
}
