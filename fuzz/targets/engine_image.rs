//! Any bytes as the image of an engine: refused, or an engine that writes these very bytes again; what follows them is a
//! flow of orders, which it and another reading of the image answer alike.
#![no_main]

#[path = "../program.rs"]
mod program;

use hoga_engine::Engine;
use hoga_protocol::codec::ImageSource;
use hoga_protocol::*;
use libfuzzer_sys::fuzz_target;

use program::{Program, Step};

fuzz_target!(|bytes: &[u8]| {
    if asks_for_much(bytes) {
        return;
    }
    let mut rest = bytes;
    let Ok(mut engine) = Engine::read_image(&mut rest) else {
        return;
    };
    let image = &bytes[..bytes.len() - rest.len()];
    let mut written = Vec::new();
    engine.write_image(&mut written);
    assert!(written == image, "the image is not what was read");

    let mut other = Engine::read_image(&mut &image[..]).expect("it was read before");
    let mut program = Program::new(rest);
    while engine.last_sequence() < Sequence::MAX
        && let Some(Step::Send(command) | Step::OutOfPlace(command)) =
            program.next(engine.last_sequence().next())
    {
        let said = apply(&mut engine, &command);
        assert_eq!(said, apply(&mut other, &command), "{command:?}");
        said.iter().for_each(|event| program.hear(event));
    }
    assert_eq!(engine.state_digest(), other.state_digest());
});

fn apply(engine: &mut Engine, command: &Command) -> Vec<Event> {
    let sequence = engine.last_sequence().next();
    let mut said = Vec::new();
    engine.apply(sequence, Nanos(0), command, &mut |event| said.push(*event));
    assert!(said.last().is_some_and(|event| event.last), "{command:?}");
    said
}

/// Whether the genesis in the image sets aside more memory than is quickly had.
fn asks_for_much(mut image: &[u8]) -> bool {
    // The form, last sequence and time, and that it has begun.
    let mut head = [0; 4 + 8 + 8 + 1];
    match (image.take(&mut head), image.take_record()) {
        (Ok(()), Ok(Command::Genesis(genesis))) => genesis.limits.max_open_orders > 1 << 12,
        _ => false,
    }
}
