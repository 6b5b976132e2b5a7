//! TG04xx: rendering.

codes! {}
