//! API keys: the file in which an operator registers them, the commands that write it, and what the running exchange
//! makes of it.
//!
//! The file holds public keys and no secret. A private key is made by `hoga keys new`, given out once, and kept nowhere.

pub mod file;

pub mod edit;

pub mod tool;

pub mod ring;
