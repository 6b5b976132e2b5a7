//! From a release and a cluster to what that cluster shall run: versions with their reasons, and
//! effective values with the layer of each.

mod affected;
mod arrangement;
mod images;
mod input;
mod membership;
mod needed;
mod pins;
mod resolver;
mod types;
pub mod values;

pub use affected::{Affected, clusters_of, first_clusters_of};
pub use images::fixed_contents;
pub use input::{Ground, HeldProduct, Needed, Observation, PastPin, ProductVersion, ResolveInput};
pub use needed::needed;
pub use resolver::served;
pub use resolver::{Resolver, desired};
pub use types::{Desired, DesiredProduct, EffectiveValues, Exclusion, Layer, Reason};
