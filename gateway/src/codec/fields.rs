//! How the fields of a message are written: a message describes itself once, and each format writes it.

mod json;

mod message_pack;

mod protobuf;

use hoga_protocol::Nanos;
use uuid::Uuid;

use super::format::Format;
use super::request::RequestId;

use json::Json;
use message_pack::MessagePack;
use protobuf::Protobuf;

/// A message, or a part of one, that says what it consists of.
pub(super) trait Message {
    /// How many fields it has, those that are null among them. (MessagePack tells this before the fields.)
    fn len(&self) -> u8;

    /// Writes its fields in their order.
    fn write<W: Fields>(&self, out: &mut W);
}

/// A writer of fields. Nothing here allocates but the buffer that grows.
pub(super) trait Fields {
    /// An id.
    fn uuid(&mut self, name: Name, id: Uuid);

    /// Any text.
    fn text(&mut self, name: Name, text: &str);

    /// A text without quotes, backslashes and control characters.
    fn plain(&mut self, name: Name, text: &str);

    /// A value of an enumeration.
    fn word(&mut self, name: Name, word: Word);

    /// `units × 10^-scale`, exactly; `scale` is at most 38.
    fn decimal(&mut self, name: Name, units: i128, scale: u8);

    /// A quotient, as [`write_quotient`](super::number::write_quotient) has it.
    fn quotient(&mut self, name: Name, quotient: Quotient);

    /// A time, to the millisecond.
    fn time(&mut self, name: Name, time: Nanos);

    /// Yes or no.
    fn flag(&mut self, name: Name, flag: bool);

    /// A whole number.
    fn integer(&mut self, name: Name, value: u64);

    /// A field that has no value.
    fn null(&mut self, name: Name);

    /// The id of the request that is replied to; null when it could not be read.
    fn request_id(&mut self, id: Option<&RequestId>);

    /// The word that tells pushes apart, where the field that a message stands in does not tell it already.
    fn kind(&mut self, kind: &'static str);

    /// A message within this one.
    fn message(&mut self, name: Name, message: &impl Message);
}

/// What a field is called in each format.
#[derive(Clone, Copy)]
pub(super) struct Name {
    /// Its number in `gateway/proto/hoga.proto`.
    number: u32,
    /// Its name, with a comma before it, quotes about it and a colon behind, as JSON has it.
    json: &'static str,
}

impl Name {
    /// The name that `json` has between its quotes. (Made by [`name!`].)
    pub(super) const fn new(number: u32, json: &'static str) -> Self {
        Self { number, json }
    }

    #[inline]
    fn text(self) -> &'static str {
        &self.json[2..self.json.len() - 2]
    }
}

/// A field's number and its name.
macro_rules! name {
    ($number:literal, $name:literal) => {
        $crate::codec::fields::Name::new($number, concat!(",\"", $name, "\":"))
    };
}
pub(super) use name;

/// A value of an enumeration in each format.
#[derive(Clone, Copy)]
pub(super) struct Word {
    number: u32,
    /// Its name in quotes.
    json: &'static str,
}

impl Word {
    /// The word that `json` has between its quotes. (Made by [`word!`].)
    pub(super) const fn new(number: u32, json: &'static str) -> Self {
        Self { number, json }
    }

    /// The word itself.
    #[inline]
    pub(super) fn text(self) -> &'static str {
        &self.json[1..self.json.len() - 1]
    }
}

/// The number of an enumeration's value, and its name.
macro_rules! word {
    ($number:literal, $name:literal) => {
        $crate::codec::fields::Word::new($number, concat!("\"", $name, "\""))
    };
}
pub(super) use word;

/// `(numerator / denominator) × step × 10^-scale`; the bounds are those of
/// [`write_quotient`](super::number::write_quotient).
#[derive(Clone, Copy)]
pub(super) struct Quotient {
    pub(super) numerator: u128,
    pub(super) denominator: u128,
    pub(super) step: u64,
    pub(super) scale: u8,
}

/// Appends `message`.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, message: &impl Message, format: Format) {
    match format {
        Format::Json => Json::object(out, message),
        Format::MessagePack => MessagePack::map(out, message),
        Format::Protobuf => message.write(&mut Protobuf::new(out)),
    }
}

/// Appends `message` in the envelope of what a server sends on an order session: field `number` of `ServerMessage`.
/// (JSON and MessagePack need none: there a field called `type` tells pushes from replies.)
#[inline]
pub(super) fn write_enveloped(out: &mut Vec<u8>, number: u32, message: &impl Message, format: Format) {
    match format {
        Format::Json => Json::object(out, message),
        Format::MessagePack => MessagePack::map(out, message),
        Format::Protobuf => Protobuf::new(out).message(Name::new(number, ""), message),
    }
}
