//! TG07xx: rollouts.

codes! {}
