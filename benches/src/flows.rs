//! The flows by name, one file for each way of making them.

mod mixed;

mod equity;

mod zipf;

mod sweeps;

use crate::Flow;
use equity::Weather;

/// The generated flows. Each is the same on every machine and whatever engine makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowKind {
    /// Moves dominate, 1,000 orders rest.
    A,
    /// The same with 100,000, and targets uniform.
    B100k,
    /// The same with 1,000,000.
    B1m,
    /// Equity-like, in one weather each.
    CNormal,
    /// The middle stands still.
    CStatic,
    /// The middle swings by a quarter each way.
    CSwing25,
    /// By four tenths.
    CSwing40,
    /// The middle falls by four tenths and comes back.
    CCrash,
    /// Add and cancel, 10,000 rest.
    D,
    /// A thousand instruments, 100,000 orders.
    E,
    /// Every other message in ten thousand sweeps ten thousand levels.
    F,
}

impl FlowKind {
    /// All of them, in the order of the tables.
    pub const ALL: [FlowKind; 11] = [
        FlowKind::A,
        FlowKind::B100k,
        FlowKind::B1m,
        FlowKind::CNormal,
        FlowKind::CStatic,
        FlowKind::CSwing25,
        FlowKind::CSwing40,
        FlowKind::CCrash,
        FlowKind::D,
        FlowKind::E,
        FlowKind::F,
    ];

    /// Its name on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            FlowKind::A => "a",
            FlowKind::B100k => "b100k",
            FlowKind::B1m => "b1m",
            FlowKind::CNormal => "c-normal",
            FlowKind::CStatic => "c-static",
            FlowKind::CSwing25 => "c-swing25",
            FlowKind::CSwing40 => "c-swing40",
            FlowKind::CCrash => "c-crash",
            FlowKind::D => "d",
            FlowKind::E => "e",
            FlowKind::F => "f",
        }
    }

    /// What it is, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            FlowKind::A => "moves dominate, 1,000 resting, old orders are changed",
            FlowKind::B100k => "moves dominate, 100,000 resting, any order is changed",
            FlowKind::B1m => "moves dominate, 1,000,000 resting, any order is changed",
            FlowKind::CNormal => "equity-like, normal: a geometric random walk",
            FlowKind::CStatic => "equity-like, static: the middle stands still",
            FlowKind::CSwing25 => "equity-like, the middle swings by ±25 % twice",
            FlowKind::CSwing40 => "equity-like, the middle swings by ±40 % twice",
            FlowKind::CCrash => "equity-like, a flash crash by 40 % half-way",
            FlowKind::D => "add and cancel, 10,000 resting, any order is canceled",
            FlowKind::E => "1,000 instruments (Zipf), 100,000 resting",
            FlowKind::F => "sweeps of 10,000 levels",
        }
    }

    /// Makes it, with so many messages after its opening.
    pub fn make(self, messages: usize) -> Flow {
        match self {
            FlowKind::A => mixed::moves(1, 1_000, mixed::Targets::Oldest, messages),
            FlowKind::B100k => mixed::moves(2, 100_000, mixed::Targets::Any, messages),
            FlowKind::B1m => mixed::moves(3, 1_000_000, mixed::Targets::Any, messages),
            FlowKind::CNormal => equity::flow(5, Weather::Normal, messages),
            FlowKind::CStatic => equity::flow(6, Weather::Static, messages),
            FlowKind::CSwing25 => equity::flow(7, Weather::Swing(0.25), messages),
            FlowKind::CSwing40 => equity::flow(8, Weather::Swing(0.40), messages),
            FlowKind::CCrash => equity::flow(9, Weather::FlashCrash, messages),
            FlowKind::D => mixed::add_and_cancel(4, 10_000, messages),
            FlowKind::E => zipf::flow(10, messages),
            FlowKind::F => sweeps::flow(11, messages),
        }
    }
}

impl std::str::FromStr for FlowKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| {
            format!(
                "no flow {name}; there are: {}",
                Self::ALL.map(Self::name).join(", ")
            )
        })
    }
}
