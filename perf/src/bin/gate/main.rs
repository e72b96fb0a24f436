//! What `hoga-perf gate` runs under callgrind: `gate` alone lists the operations, `gate NAME` does one many times over and
//! says what it allocated. A program of its own, because the compiler inlines by what else a program holds: the counts
//! shall not move with the rest of `hoga-perf`.

mod operation;

mod work;

mod measured;

mod memory_disk;

use std::process::ExitCode;

use operation::{OPERATIONS, named};

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        for operation in &OPERATIONS {
            println!("{} {}", operation.name, operation.function);
        }
        return ExitCode::SUCCESS;
    };
    match named(&name).and_then(|operation| operation.work()) {
        Ok(done) => {
            println!("{} {}", done.operations, done.allocations);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("gate: {name}: {error}");
            ExitCode::from(2)
        }
    }
}
