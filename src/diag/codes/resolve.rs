//! TG030x to TG034x: who gets what, and pins.

codes! {}
