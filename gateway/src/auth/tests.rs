//! Authentication against the standard's own vectors, against forgers, and against its document.

mod fixture;

mod signing;

mod parsing;

mod admission;

mod replaying;
