//! Releases, from cut to tampered.
