//! The way of a cluster to another minor: every minor in between is a stop, and which of them the provider still
//! offers. Which patch release is the newest of a stop is [`crate::lcm::path`]'s.

use jiff::civil::Date;

use super::super::countdown::{Countdown, Estimate, countdown};
use super::super::standing::{Phase, Standing};
use super::{Offered, OfferedVersion, Provider};
use crate::lcm::path::path;
use crate::version::{KubeMinor, KubeVersion};

/// The most minors that a way is made for: more than ten years of them.
const FARTHEST: u32 = 48;

/// A minor on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The minor.
    pub minor: KubeMinor,
    /// The newest version of it that the provider offers; nothing if it offers none (any more).
    pub offered: Option<OfferedVersion>,
}

/// The way to another minor, one minor at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Whose Kubernetes it is.
    pub provider: Provider,
    /// Where it begins.
    pub from: KubeVersion,
    /// Each minor that is gone to, the last one included; none if there is nowhere to go.
    pub stops: Vec<Stop>,
}

/// The way from a version to a minor.
///
/// # Errors
/// When the minor lies behind, has another major version, or lies so far ahead that something must be wrong.
pub fn way(from: &KubeVersion, to: KubeMinor, offered: &Offered) -> Result<Way, String> {
    let at = from.minor();
    if to.major != at.major {
        return Err(format!("there is no way from Kubernetes {at} to {to}: the first number differs"));
    }
    if to < at {
        return Err(format!("there is no way back from Kubernetes {at} to {to}"));
    }
    if to.minor - at.minor > FARTHEST {
        return Err(format!("the way from Kubernetes {at} to {to} has more than {FARTHEST} stops"));
    }
    let stops = (at.minor..to.minor).map(|before| stop(KubeMinor::new(at.major, before), offered)).collect();
    Ok(Way { provider: offered.provider, from: from.clone(), stops })
}

/// The minor after one.
fn stop(before: KubeMinor, offered: &Offered) -> Stop {
    let minor = before.next();
    let usable: Vec<(String, &OfferedVersion)> = offered
        .of_minor(minor)
        .filter(|one| one.is_usable())
        .map(|one| (one.version.to_string(), one))
        .collect();
    let tags: Vec<&str> = usable.iter().map(|(text, _)| text.as_str()).collect();
    let newest = path(&before.to_string(), &tags, 1).into_iter().next();
    let found = newest.and_then(|tag| usable.iter().find(|(text, _)| text == tag));
    Stop { minor, offered: found.map(|(_, one)| (*one).clone()) }
}

impl Way {
    /// How many times the fleet is gone through.
    pub fn hops(&self) -> u32 {
        u32::try_from(self.stops.len()).unwrap_or(u32::MAX)
    }

    /// The stops that the provider does not offer: the way can't be gone with it.
    pub fn missing(&self) -> impl Iterator<Item = KubeMinor> {
        self.stops.iter().filter(|stop| stop.offered.is_none()).map(|stop| stop.minor)
    }

    /// In words: `1.33.9 -> 1.34 -> 1.35`, and what is in the way.
    pub fn words(&self) -> String {
        if self.stops.is_empty() {
            return format!("{} is there", self.from);
        }
        let name = |stop: &Stop| match &stop.offered {
            Some(offered) => offered.version.to_string(),
            None => stop.minor.to_string(),
        };
        let stops: Vec<String> = self.stops.iter().map(name).collect();
        let missing: Vec<String> = self.missing().map(|minor| minor.to_string()).collect();
        let without = match missing.is_empty() {
            true => String::new(),
            false => format!("; {} does not offer {}", self.provider, missing.join(", ")),
        };
        format!("{} -> {}{without}", self.from, stops.join(" -> "))
    }

    /// By when the first wave must start, for all hops to be over before the phase of support ends that its
    /// beginning is in, and that in words. Nothing if no day is known, or it has ended already.
    pub fn countdown(
        &self,
        standing: &Standing,
        today: Date,
        waves: &Estimate,
    ) -> Option<(Countdown, String)> {
        let end = standing.end().filter(|_| standing.phase != Phase::Ended)?;
        let counted = countdown(end, today, &Estimate { hops: self.hops(), ..waves.clone() });
        let what = format!("{} {}", self.provider, self.from.minor());
        let words = counted.words(&what, self.provider.support(standing.phase));
        Some((counted, words))
    }
}
