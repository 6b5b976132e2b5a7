//! The rollout's pure core: the state of all rollouts as a fold over events, what must be done
//! next as effects, and which commands are legal now.

mod effect;

pub use effect::{Effect, EffectKey, Effects, Interrupted};
