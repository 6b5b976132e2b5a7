//! The command line: parse, wire, print. It decides nothing but words and exit codes.

pub mod args;
