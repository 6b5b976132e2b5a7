//! How far a step is, and the product's version after it: a patch of what is upstream is a patch of the
//! product, a minor a minor, a major a major.

use std::cmp::Ordering;

use super::refusal;
use super::types::{Moving, Request};
use crate::diag::Finding;
use crate::lcm::version::{Level, Scheme, by_age};
use crate::version::Version;

/// A step between two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Whether it goes up, down, or stays.
    pub order: Ordering,
    /// How far it goes.
    pub level: Level,
}

/// The step between two versions of a source; nothing where no scheme can compare them: `latest` has no
/// numbers, and another variant is another thing.
pub(super) fn step(moving: &Moving, from: &str, to: &str) -> Option<Step> {
    // A new digest of the same version is a fix of it.
    if from == to {
        return Some(Step { order: Ordering::Equal, level: Level::Patch });
    }
    let schemes = match moving {
        Moving::Chart(_) => [Scheme::Helm, Scheme::Auto],
        Moving::Addon(_) => [Scheme::EksAddon, Scheme::Loose],
        Moving::Image(_) | Moving::Tool(_) => [Scheme::Auto, Scheme::Semver],
    };
    // The first scheme that reads both has the say.
    let (old, new) = schemes.iter().find_map(|scheme| Some((scheme.read(from)?, scheme.read(to)?)))?;
    let same = old.variant == new.variant;
    same.then(|| Step { order: by_age(&new, &old), level: new.level(&old) })
}

/// The product's version after a step.
///
/// # Errors
/// When it would not rise, has a tag already, or nobody can say how far it goes.
pub(super) fn raised(request: &Request<'_>, from: &str, step: Option<Step>) -> Result<Version, Box<Finding>> {
    let now = &request.product.file.spec.version;
    let raised = match (&request.asked.version, step) {
        (Some(asked), _) => {
            // A version that has no tag yet may carry more than one step.
            let stays = *asked == now.value && !request.tagged.contains(asked);
            if *asked <= now.value && !stays {
                return Err(refusal::not_higher(asked, now));
            }
            asked.clone()
        }
        (None, None) => return Err(refusal::incomparable(request, from, now)),
        (None, Some(_)) if now.value.is_prerelease() => return Err(refusal::prerelease(now)),
        (None, Some(step)) => by(&now.value, step.level),
    };
    if request.tagged.contains(&raised) {
        return Err(refusal::tagged(request, &raised, now));
    }
    Ok(raised)
}

/// The next version of a level.
pub(super) fn by(version: &Version, level: Level) -> Version {
    let (major, minor, patch) = (version.major(), version.minor(), version.patch());
    match level {
        Level::Major => Version::new(major.saturating_add(1), 0, 0),
        Level::Minor => Version::new(major, minor.saturating_add(1), 0),
        Level::Patch => Version::new(major, minor, patch.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_level_of_a_step_is_that_of_the_first_number_that_differs() {
        let moving = Moving::Image("redis".parse().unwrap());
        let of = |from, to| step(&moving, from, to).map(|step| (step.order, step.level));
        assert_eq!(of("v1.9.1", "v1.9.2"), Some((Ordering::Greater, Level::Patch)));
        assert_eq!(of("2.56", "2.57"), Some((Ordering::Greater, Level::Minor)));
        assert_eq!(of("8-alpine", "9-alpine"), Some((Ordering::Greater, Level::Major)));
        assert_eq!(of("1.10.0", "1.9.0"), Some((Ordering::Less, Level::Minor)));
        assert_eq!(of("1.2.3-r1", "1.2.3-r2"), Some((Ordering::Greater, Level::Patch)));
        assert_eq!(of("8-alpine", "9"), None, "another variant");
        assert_eq!(of("latest", "9"), None);
    }

    #[test]
    fn a_product_rises_as_far_as_its_source() {
        let version = "1.2.3".parse().unwrap();
        let of = |level| by(&version, level).to_string();
        assert_eq!([of(Level::Patch), of(Level::Minor), of(Level::Major)], ["1.2.4", "1.3.0", "2.0.0"]);
    }
}
