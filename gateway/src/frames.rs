//! WebSocket frames written once and sent to many.

use hoga_protocol::InstrumentId;
use hoga_views::Views;
use uuid::Uuid;

use crate::frame::Framer;
use crate::http::Agreed;
use crate::wire::encode;

/// Frames whose memory is there from the beginning, and the bytes of each: an execution takes about 230.
const MADE_AHEAD: usize = 1 << 16;
const FRAME_BYTES: usize = 256;

/// The newest executions as frames, shared by all live subscribers: a subscriber is a number into it.
#[derive(Debug)]
pub(crate) struct FrameRing {
    slots: Vec<Frame>,
    capacity: usize,
    first: u64,
    next: u64,
}

/// One execution as it goes out.
#[derive(Debug)]
pub(crate) struct Frame {
    /// What was traded.
    pub instrument: InstrumentId,
    /// The execution's id.
    pub id: Uuid,
    /// The frame.
    pub bytes: Vec<u8>,
}

impl FrameRing {
    /// An empty ring of at most `capacity` frames, whose first will be that of execution `next`.
    pub fn new(capacity: usize, next: u64) -> Self {
        let mut ring = Self {
            slots: Vec::new(),
            capacity: capacity.max(1),
            first: next,
            next,
        };
        let ahead = ring.capacity.min(MADE_AHEAD);
        ring.slots.resize_with(ahead, || empty(FRAME_BYTES));
        ring
    }

    /// The number of the oldest frame held.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number that the next frame will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The frame of execution `number`.
    pub fn get(&self, number: u64) -> Option<&Frame> {
        if number < self.first || number >= self.next {
            return None;
        }
        Some(&self.slots[(number % self.capacity as u64) as usize])
    }

    /// Encodes every execution that the views have and the ring has not, and returns how many.
    pub fn publish(&mut self, views: &Views, framer: &mut Framer) -> usize {
        let executions = views.executions();
        let from = self.next;
        // When the views have dropped executions that were never encoded, whoever waits for them is too far behind.
        if self.next < executions.first() {
            self.next = executions.first();
            self.first = self.next;
        }
        while let Some(execution) = executions.get(self.next) {
            let frame = self.slot(self.next);
            frame.instrument = execution.instrument;
            frame.id = encode::execution_id(&execution, views);
            frame.bytes.clear();
            framer.frame(&mut frame.bytes, Agreed::default(), |out| {
                encode::execution(out, &execution, views, Agreed::default().format)
            });
            self.next += 1;
            self.first = self.first.max(self.next.saturating_sub(self.capacity as u64));
        }
        (self.next - from) as usize
    }

    fn slot(&mut self, number: u64) -> &mut Frame {
        let index = (number % self.capacity as u64) as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || empty(0));
        }
        &mut self.slots[index]
    }
}

fn empty(bytes: usize) -> Frame {
    Frame {
        instrument: InstrumentId::default(),
        id: Uuid::nil(),
        bytes: Vec::with_capacity(bytes),
    }
}
