//! From product content and values to objects: templates, helm's output, and the scan of charts
//! for what would make the same inputs render differently. Running helm is for an adapter, applying
//! for `apply`.

mod actions;
mod context;
mod fixed;
pub mod helm;
mod manifests;
mod mask;
mod object;
pub mod packed;
pub mod scan;
mod template;
mod trace;
pub mod values;

pub use context::{Context, Facts};
pub use fixed::FixedImages;
pub use manifests::{FORMAT, manifests};
pub use mask::{MASK, Mask};
pub use object::{RenderedObject, check, images, masked};
