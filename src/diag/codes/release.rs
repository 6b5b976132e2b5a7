//! TG05xx: git, releases and locks.

codes! {}
