//! Acceptances against what was found: which vulnerabilities are lived with, which acceptances have ended or
//! soon will, and which are about nothing any more.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::package::{Package, Purl};
use super::report::Vulnerability;
use crate::model::image::Repository;
use crate::model::{Acceptance, AcceptanceId, Nearness, ProductName, VulnerabilityId};

/// Where a vulnerability was found: in which image, and for which product it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    /// The product, if one brings the image.
    pub product: Option<&'p ProductName>,
    /// The repository of the image.
    pub image: &'p Repository,
}

/// All acceptances at one moment. It counts what they are asked about, so that idle ones can be told.
#[derive(Debug)]
pub struct Register<'a> {
    entries: Vec<Entry<'a>>,
    by_name: BTreeMap<&'a VulnerabilityId, Vec<usize>>,
}

#[derive(Debug)]
struct Entry<'a> {
    id: &'a AcceptanceId,
    acceptance: &'a Acceptance,
    packages: Vec<Wanted<'a>>,
    nearness: Nearness,
    has_begun: bool,
    matches: usize,
    answered: bool,
}

/// A package as an acceptance names it.
#[derive(Debug)]
enum Wanted<'a> {
    /// By its package URL.
    Exactly(Package),
    /// By its name, of whatever kind.
    Named(&'a str),
}

/// What became of an acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Which one.
    pub id: &'a AcceptanceId,
    /// How near its end is; [`Nearness::Ended`] ones cover nothing.
    pub nearness: Nearness,
    /// How many vulnerabilities it is about, each counted once for each package and image.
    pub matches: usize,
    /// Whether all is known of every place that it may be about: else there may be more.
    pub answered: bool,
}

impl Standing<'_> {
    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.nearness == Nearness::Ended
    }

    /// Whether it ends within 7 days.
    pub fn ends_soon(&self) -> bool {
        matches!(self.nearness, Nearness::Week | Nearness::Day)
    }

    /// Whether it is about nothing that was found, and not only because somebody was silent.
    pub fn is_idle(&self) -> bool {
        self.matches == 0 && self.answered
    }
}

impl<'a> Register<'a> {
    /// The acceptances as they stand at `now`.
    pub fn new(
        acceptances: impl IntoIterator<Item = (&'a AcceptanceId, &'a Acceptance)>,
        now: Timestamp,
    ) -> Self {
        let entry = |(id, acceptance): (&'a AcceptanceId, &'a Acceptance)| Entry {
            id,
            acceptance,
            packages: acceptance.packages.iter().map(|name| Wanted::read(name)).collect(),
            nearness: acceptance.nearness(now),
            has_begun: acceptance.has_begun(now),
            matches: 0,
            answered: true,
        };
        let entries: Vec<Entry<'a>> = acceptances.into_iter().map(entry).collect();
        let mut by_name: BTreeMap<&VulnerabilityId, Vec<usize>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            for name in &entry.acceptance.vulnerabilities {
                by_name.entry(&name.value).or_default().push(place);
            }
        }
        Self { entries, by_name }
    }

    /// The acceptance that covers a vulnerability found at this place: of several the one that lasts longest.
    /// Those that have ended cover nothing, and are counted all the same.
    pub fn covering(&mut self, place: Place<'_>, one: &Vulnerability) -> Option<&'a AcceptanceId> {
        let mut about: Vec<usize> =
            one.names().filter_map(|name| self.by_name.get(name)).flatten().copied().collect();
        about.sort_unstable();
        about.dedup();
        about.retain(|at| self.entries[*at].is_about(place, one));
        for at in &about {
            self.entries[*at].matches += 1;
        }
        let valid = about.into_iter().map(|at| &self.entries[at]);
        let valid = valid.filter(|entry| entry.nearness != Nearness::Ended && entry.has_begun);
        valid.max_by_key(|entry| entry.acceptance.expires.value.moment()).map(|entry| entry.id)
    }

    /// Takes in that not all is known of a place: acceptances that hold there may be about more than is told.
    pub fn doubt(&mut self, place: Place<'_>) {
        for entry in self.entries.iter_mut().filter(|entry| entry.holds_at(place)) {
            entry.answered = false;
        }
    }

    /// Of what was found at a place, what is not covered, and what is with the acceptance that covers it.
    pub fn split<'v>(
        &mut self,
        place: Place<'_>,
        found: impl IntoIterator<Item = &'v Vulnerability>,
    ) -> Split<'a, 'v> {
        let mut split = Split::default();
        for one in found {
            match self.covering(place, one) {
                Some(id) => split.accepted.push((one, id)),
                None => split.open.push(one),
            }
        }
        split
    }

    /// What became of each acceptance by what was asked, in the order in which they came.
    pub fn standings(&self) -> impl Iterator<Item = Standing<'a>> {
        self.entries.iter().map(|entry| Standing {
            id: entry.id,
            nearness: entry.nearness,
            matches: entry.matches,
            answered: entry.answered,
        })
    }
}

/// What was found at a place, by whether it is lived with.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split<'a, 'v> {
    /// What nobody has accepted.
    pub open: Vec<&'v Vulnerability>,
    /// What somebody has, with the acceptance.
    pub accepted: Vec<(&'v Vulnerability, &'a AcceptanceId)>,
}

impl<'a> Entry<'a> {
    /// Whether it is about this place and package. The name is known to be one of its own.
    fn is_about(&self, place: Place<'_>, one: &Vulnerability) -> bool {
        let package = || {
            let known = one.package.as_ref();
            self.packages.iter().any(|wanted| known.is_some_and(|known| wanted.is(known)))
        };
        self.holds_at(place) && (self.packages.is_empty() || package())
    }

    /// Whether it may be about something at this place.
    fn holds_at(&self, place: Place<'_>) -> bool {
        let acceptance = self.acceptance;
        let product = || {
            acceptance.products.iter().any(|wanted| place.product.is_some_and(|known| *known == wanted.value))
        };
        let image = || acceptance.images.iter().any(|wanted| *place.image == wanted.value);
        (acceptance.products.is_empty() || product()) && (acceptance.images.is_empty() || image())
    }
}

impl<'a> Wanted<'a> {
    fn read(text: &'a str) -> Self {
        Purl::read(text).map_or(Self::Named(text.trim()), |purl| Self::Exactly(purl.package))
    }

    fn is(&self, package: &Package) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == package,
            Self::Named(name) => package.name.eq_ignore_ascii_case(name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn acceptance(spec: &str) -> Acceptance {
        let ends = if spec.contains("expires") { "" } else { ", \"expires\": \"2026-12-15\"" };
        let text = format!("{{\"owner\": \"shop\", \"reason\": \"not reachable\", {spec}{ends}}}");
        serde_json::from_str(&text).unwrap()
    }

    fn found(id: &str, package: &str) -> Vulnerability {
        let mut one = Vulnerability::new(id.parse().unwrap());
        one.package = Package::of(package, package);
        one
    }

    /// Which of the acceptances `A`, `B`, ... covers each of those found, and how often each was asked.
    fn covered(specs: &[&str], found: &[Vulnerability], now: &str) -> (Vec<String>, Vec<(Nearness, usize)>) {
        let all: Vec<(AcceptanceId, Acceptance)> = specs
            .iter()
            .zip(["A", "B", "C"])
            .map(|(spec, name)| (name.parse().unwrap(), acceptance(spec)))
            .collect();
        let mut register = Register::new(all.iter().map(|(id, one)| (id, one)), now.parse().unwrap());
        let (product, image) = ("shop".parse().unwrap(), "quay.io/acme/shop".parse().unwrap());
        let place = Place { product: Some(&product), image: &image };
        let by = found
            .iter()
            .map(|one| register.covering(place, one).map(|id| id.to_string()).unwrap_or_default())
            .collect();
        (by, register.standings().map(|standing| (standing.nearness, standing.matches)).collect())
    }

    const NOW: &str = "2026-11-22T00:00:00Z";

    #[test]
    fn a_vulnerability_is_covered_by_any_of_its_names() {
        let mut one = found("CVE-2026-1111", "openssl");
        one.aliases.insert("GHSA-2wrh-6pvc-2jm9".parse().unwrap());
        let (by, _) = covered(
            &[r#""vulnerabilities": ["ghsa-2wrh-6pvc-2jm9"]"#],
            &[one, found("CVE-2026-2222", "x")],
            NOW,
        );
        assert_eq!(by, ["A", ""]);
    }

    #[test]
    fn products_images_and_packages_leave_others_out() {
        let one = [found("CVE-2026-1111", "pkg:golang/golang.org/x/net@v0.1.0")];
        let about = |rest: &str| {
            covered(&[&format!("\"vulnerabilities\": [\"CVE-2026-1111\"], {rest}")], &one, NOW).0[0] == "A"
        };
        for fits in [
            r#""products": ["shop", "other"]"#,
            r#""images": ["quay.io/acme/shop"]"#,
            r#""packages": ["golang.org/x/net"]"#,
            r#""packages": ["pkg:golang/golang.org/x/net"]"#,
            r#""products": ["shop"], "packages": ["other", "golang.org/x/net"]"#,
        ] {
            assert!(about(fits), "{fits}");
        }
        for not in [
            r#""products": ["other"]"#,
            r#""images": ["quay.io/acme/other"]"#,
            r#""packages": ["pkg:npm/golang.org/x/net"]"#,
            r#""products": ["shop"], "packages": ["other"]"#,
        ] {
            assert!(!about(not), "{not}");
        }
    }

    #[test]
    fn one_that_has_ended_covers_nothing_and_is_told() {
        let spec = r#""vulnerabilities": ["CVE-2026-1111"], "expires": "2026-11-20""#;
        let one = [found("CVE-2026-1111", "openssl")];
        assert_eq!(covered(&[spec], &one, "2026-11-20T23:59:59Z").0, ["A"]);
        let (by, standings) = covered(&[spec], &one, "2026-11-21T00:00:00Z");
        assert_eq!((by, standings), (vec![String::new()], vec![(Nearness::Ended, 1)]));
    }

    #[test]
    fn of_several_the_one_that_lasts_longest_covers() {
        let one = [found("CVE-2026-1111", "openssl")];
        let specs = [
            r#""vulnerabilities": ["CVE-2026-1111"], "expires": "2026-11-25""#,
            r#""vulnerabilities": ["CVE-2026-1111", "CVE-2026-9999"], "expires": "2027-01-01""#,
            r#""vulnerabilities": ["CVE-2026-8888"]"#,
        ];
        let (by, standings) = covered(&specs, &one, NOW);
        assert_eq!(by, ["B"]);
        assert_eq!(standings, [(Nearness::Week, 1), (Nearness::Far, 1), (Nearness::Far, 0)]);
    }

    #[test]
    fn one_that_is_about_nothing_is_idle() {
        let id: AcceptanceId = "A".parse().unwrap();
        let one = acceptance(r#""vulnerabilities": ["CVE-2026-1111"], "expires": "2026-11-23""#);
        let register = Register::new([(&id, &one)], NOW.parse().unwrap());
        let standing = register.standings().next().unwrap();
        assert!(standing.is_idle() && standing.ends_soon() && !standing.has_ended());
    }

    #[test]
    fn where_somebody_was_silent_it_is_not_known_to_be_idle() {
        let id: AcceptanceId = "A".parse().unwrap();
        let one = acceptance(r#""vulnerabilities": ["CVE-2026-1111"], "images": ["quay.io/acme/shop"]"#);
        let is_idle = |image: &str| {
            let mut register = Register::new([(&id, &one)], NOW.parse().unwrap());
            register.doubt(Place { product: None, image: &image.parse().unwrap() });
            register.standings().next().unwrap().is_idle()
        };
        assert!(!is_idle("quay.io/acme/shop"));
        assert!(is_idle("quay.io/acme/other"), "it can't be about that image");
    }

    #[test]
    fn an_acceptance_says_who_why_and_until_when() {
        for missing in ["owner", "reason", "expires", "vulnerabilities"] {
            let whole = serde_json::json!({
                "vulnerabilities": ["CVE-2026-1111"], "owner": "shop", "reason": "r", "expires": "2026-12-15"
            });
            let mut file = whole.clone();
            file.as_object_mut().unwrap().remove(missing);
            assert!(serde_json::from_value::<Acceptance>(file).is_err(), "{missing}");
            assert!(serde_json::from_value::<Acceptance>(whole).is_ok());
        }
    }
}
