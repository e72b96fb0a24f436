//! The journal from outside: what survives a crash, what is refused, and what is never promised too early.

mod sim;

mod support;

mod durability;
mod faults;

mod crashes;
mod last_frame;
mod torn;

mod damage;
mod flips;

mod damage_table;
mod harm;

mod disk;
mod rolls;

mod positions;

mod compression;
mod compression_faults;

mod following;
