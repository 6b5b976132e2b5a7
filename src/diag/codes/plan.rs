//! TG035x to TG039x: plans.

codes! {}
