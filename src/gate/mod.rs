//! Gates, one file each: facts in, answer out.
