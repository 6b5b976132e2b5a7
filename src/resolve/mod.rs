//! From a release and a cluster to what that cluster shall run: versions with their reasons, and
//! effective values with the layer of each.

mod input;
mod types;

pub use input::{Ground, Needed, Observation, PastPin, ProductVersion, ResolveInput};
pub use types::{Desired, DesiredProduct, EffectiveValues, Exclusion, Layer, Reason};
