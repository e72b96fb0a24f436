//! How messages are written on a WebSocket.

/// How a connection's messages are written, agreed on in its handshake (RFC 6455 §1.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// `hoga.json`, and whoever names no subprotocol: JSON in text messages.
    #[default]
    Json,
    /// `hoga.msgpack`: MessagePack in binary messages.
    MessagePack,
    /// `hoga.protobuf`: Protocol Buffers in binary messages.
    Protobuf,
}

impl Format {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Json, Self::MessagePack, Self::Protobuf];

    /// Its name in `Sec-WebSocket-Protocol`.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Format::Json => "hoga.json",
            Format::MessagePack => "hoga.msgpack",
            Format::Protobuf => "hoga.protobuf",
        }
    }

    /// The format of a subprotocol.
    pub fn of(subprotocol: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.subprotocol() == subprotocol)
    }

    /// Whether its messages are text.
    pub const fn is_text(self) -> bool {
        matches!(self, Format::Json)
    }
}
