//! Kubernetes itself: which versions its makers and the clouds offer, which add-ons go with them, and the way
//! from one minor to another.
//!
//! Each provider's answer is read in the form that its own program prints; nobody is asked here.

mod addons;
mod aks;
mod channels;
mod eks;
mod gke;
mod offered;
mod provider;
mod way;
mod window;

pub use addons::{Addon, AddonVersion, Addons, addons};
pub use channels::{Marker, channel, markers};
pub use offered::{Offered, OfferedVersion, Plan};
pub use provider::{Provider, Recording};
pub use way::{Stop, Way, way};
pub use window::window;

use super::loose::Unreadable;

/// Reads what a cloud offers, as its own program prints it.
///
/// # Errors
/// When it is no such answer, or there is no version in it.
pub fn offered(provider: Provider, bytes: &[u8]) -> Result<Offered, Unreadable> {
    let offered = match provider {
        Provider::Eks => eks::read(bytes),
        Provider::Aks => aks::read(bytes),
        Provider::Gke => gke::read(bytes),
        Provider::Upstream => Err(Unreadable("the versions of Kubernetes itself are in no file".to_owned())),
    }?;
    match offered.versions.is_empty() {
        false => Ok(offered),
        true => {
            let first = offered.problems.first().map(|why| format!(": {why}")).unwrap_or_default();
            Err(Unreadable(format!("there is no version in it{first}")))
        }
    }
}

#[cfg(test)]
mod tests;
