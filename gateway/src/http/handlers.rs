//! What answers a request, one file for each kind of endpoint.

pub(crate) mod admin;

pub(crate) mod commands;

pub(crate) mod pages;

pub(crate) mod queries;

pub(crate) mod streams;
