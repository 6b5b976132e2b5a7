//! From a release and a cluster to what that cluster shall run: versions with their reasons, and
//! effective values with the layer of each.

mod types;

pub use types::{Desired, DesiredProduct, EffectiveValues, Exclusion, Layer, Reason};
