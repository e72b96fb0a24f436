//! What several commands let one choose.

use clap::ValueEnum;

/// How orders go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// On /ws/orders.
    Websocket,
    /// By POST on connections that are kept.
    Http,
}

impl Via {
    /// As it is told.
    pub const fn name(self) -> &'static str {
        match self {
            Via::Websocket => "WebSocket",
            Via::Http => "HTTP",
        }
    }
}

/// When an order is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// In memory.
    Memory,
    /// With the operating system.
    PageCache,
    /// On disk.
    Fsync,
}

impl Durability {
    /// As the exchange's command line names it.
    pub const fn name(self) -> &'static str {
        match self {
            Durability::Memory => "memory",
            Durability::PageCache => "page-cache",
            Durability::Fsync => "fsync",
        }
    }
}

/// What an idle thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Idle {
    /// Sleeps at once.
    Park,
    /// Looks for 50 µs, then sleeps; without a core of its own a thread offers it between two looks.
    Ladder,
    /// Never sleeps, but offers its core to others between looks.
    Yield,
    /// Never sleeps.
    Spin,
}

impl Idle {
    /// As the exchange's configuration names it.
    pub const fn name(self) -> &'static str {
        match self {
            Idle::Park => "park",
            Idle::Ladder => "ladder",
            Idle::Yield => "yield",
            Idle::Spin => "spin",
        }
    }
}

/// How journaler and matcher are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// As an exchange does on this machine.
    Auto,
    /// In turns on one thread.
    Shared,
    /// On a thread each.
    Split,
}

impl Layout {
    /// As the exchange's configuration names it.
    pub const fn name(self) -> &'static str {
        match self {
            Layout::Auto => "auto",
            Layout::Shared => "shared",
            Layout::Split => "split",
        }
    }
}

/// How executions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON in text messages.
    Json,
    /// MessagePack in binary messages.
    Msgpack,
    /// Protocol Buffers in binary messages.
    Protobuf,
}

impl Format {
    /// As the command line names it.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Msgpack => "msgpack",
            Format::Protobuf => "protobuf",
        }
    }

    /// The subprotocol that asks for it (RFC 6455 §1.9).
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Format::Json => "hoga.json",
            Format::Msgpack => "hoga.msgpack",
            Format::Protobuf => "hoga.protobuf",
        }
    }
}
