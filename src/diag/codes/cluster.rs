//! TG06xx: clusters and applying.

codes! {}
