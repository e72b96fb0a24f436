//! The operations that are counted.

use hoga_benches::FlowKind;

use crate::work::{self, Done};

/// What is counted.
#[derive(Debug)]
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// The function of [`crate::measured`] inside which callgrind counts.
    pub function: &'static str,
    work: fn() -> Result<Done, String>,
}

const fn operation(
    name: &'static str,
    function: &'static str,
    work: fn() -> Result<Done, String>,
) -> Operation {
    Operation { name, function, work }
}

/// All of them, in the order of an order's way.
pub static OPERATIONS: [Operation; 14] = [
    operation("json/place", "place_json", work::place_json),
    operation("json/cancel", "cancel_json", work::cancel_json),
    operation("ring/hop", "ring_hop", work::ring_hop),
    operation("codec/encode", "encode", work::encode),
    operation("codec/decode", "decode", work::decode),
    operation("journal/single", "frame", || work::journal(1)),
    operation("journal/grouped", "frame", || work::journal(work::GROUP)),
    operation("engine/a", "engine", || work::engine(FlowKind::A)),
    operation("engine/c-normal", "engine", || work::engine(FlowKind::CNormal)),
    operation("engine/d", "engine", || work::engine(FlowKind::D)),
    operation("views/fold", "views", work::views),
    operation("json/execution", "execution_json", work::execution_json),
    operation("json/reply", "reply_json", work::reply_json),
    operation("walk", "walk", work::walk),
];

impl Operation {
    /// Does it many times over.
    ///
    /// # Errors
    /// When what it works on cannot be made ready, or does not come to what it must come to.
    pub fn work(&self) -> Result<Done, String> {
        (self.work)()
    }
}

/// The operation of that name.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> Result<&'static Operation, String> {
    let found = OPERATIONS.iter().find(|operation| operation.name == name);
    found.ok_or_else(|| "there is no such operation; without a name they are listed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_does_all_its_work_and_the_same_in_every_run() {
        for operation in &OPERATIONS {
            let run = || {
                let done = operation.work();
                done.unwrap_or_else(|error| panic!("{}: {error}", operation.name))
            };
            let done = run();
            assert!(done.operations >= 1_000, "{}: {done:?}", operation.name);
            assert_eq!(run(), done, "{}", operation.name);
            assert_eq!(named(operation.name).map(|found| found.name), Ok(operation.name));
        }
        assert!(named("engine").is_err());
    }
}
