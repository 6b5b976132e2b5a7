//! The choice: the newest of the published tags that a policy lets count, and for every higher one the rule
//! that kept it out.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::policy::{Policy, Prereleases};
use super::version::{self, Level, Number, Part, Range, RangeError, Scheme, Version, by_age, by_stage};

/// So many majors at once are no update: the numbering has changed.
const LARGEST_JUMP: u64 = 500;
/// From here on a number is a year, a day or a build rather than a major or minor one.
const OUTLIER: u64 = 1000;

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<'t> {
    /// Whether the current tag is published.
    pub published: bool,
    /// The newest tag that counts and is newer than the current one.
    pub newest: Option<&'t str>,
    /// The newest tag that counts, newer or not.
    pub latest: Option<&'t str>,
    /// How far it is; none if nothing newer counts, or versions of the scheme have no numbers.
    pub level: Option<Level>,
    /// The newest of each level by itself.
    pub levels: BTreeMap<Level, &'t str>,
    /// How many published versions of that level count up to the newest: of several with one number, such as
    /// the patch releases of a minor, the number is counted. None if nothing newer counts, or they have no
    /// numbers.
    pub steps: Option<u64>,
    /// Higher tags that do not count, the highest first.
    pub rejected: Vec<Rejected<'t>>,
}

/// A higher tag that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected<'t> {
    /// As published.
    pub tag: &'t str,
    /// What keeps it out.
    pub rule: Rule,
}

/// What keeps a tag out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Its words are others: it is another variant.
    Variant,
    /// It is written more or less exactly: a rolling tag stays one.
    Precision,
    /// It is written with a `v`, or without, unlike the current one and others of its kind.
    Style,
    /// Its first or second number is a year, a day or a build.
    Outlier,
    /// Too many majors at once.
    Jump,
    /// It is a prerelease, or, where only such count, none of the wanted word.
    Prerelease,
    /// It is farther than the policy goes.
    Level,
    /// A number that is pinned is another one there.
    Pin,
    /// Its major is none of those with long support.
    Lts,
    /// It is outside the range.
    Range,
    /// It is none of those that are allowed.
    Allow,
    /// It is denied.
    Deny,
    /// It is deprecated.
    Deprecated,
}

impl Rule {
    /// A sentence about a tag that it keeps out.
    pub fn words(self) -> &'static str {
        match self {
            Self::Variant => "it is another variant",
            Self::Precision => "it is written more or less exactly",
            Self::Style => "it is written with a `v`, or without, unlike the current one",
            Self::Outlier => "its first or second number is a year, a day or a build",
            Self::Jump => "it is too many majors at once",
            Self::Prerelease => "prereleases do not count, or only some",
            Self::Level => "it is farther than the policy goes",
            Self::Pin => "a pinned number is another one there",
            Self::Lts => "its major is none with long support",
            Self::Range => "it is outside the range",
            Self::Allow => "it is not among those that are allowed",
            Self::Deny => "it is denied",
            Self::Deprecated => "it is deprecated",
        }
    }
}

/// Why there is no choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// Nothing is published at all: that is no sign of being up to date.
    #[error("there are no tags")]
    NoTags,
    /// Nothing that is published is a version in this scheme.
    #[error("none of the tags is a version in this scheme")]
    NoValidVersion,
    /// Nothing that is published is a moment in this layout.
    #[error("none of the tags is a moment in this layout")]
    NoValidDate,
    /// The current tag has no version and is not published.
    #[error("the current tag has no version, and is not published")]
    Unversioned,
    /// The current tag has no version: only its digest can tell whether it has moved.
    #[error("the current tag has no version: compare its digest")]
    Moving,
    /// The current tag is not published (any more), and nothing newer is.
    #[error("the current tag is not published, and nothing newer counts")]
    Missing {
        /// The newest one of its kind.
        latest: Option<String>,
    },
    /// What was pushed last counts, and nobody told when that was.
    #[error("nobody told when its tags were pushed")]
    Undated,
    /// The range of the policy is none.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// A published tag, and what the scheme reads in it.
struct Candidate<'t, 'v> {
    tag: &'t str,
    version: Version<'v>,
}

/// Tags that are read, with what is read of them.
struct Texts<'t>(Vec<(&'t str, Cow<'t, str>)>);

impl<'t> Texts<'t> {
    fn of(tags: &[&'t str], policy: &Policy) -> Self {
        let known = tags.iter().filter(|tag| counts(tag, &policy.scheme));
        Self(known.filter_map(|tag| Some((*tag, policy.text(tag)?))).collect())
    }

    fn read(&self, scheme: &Scheme) -> Vec<Candidate<'t, '_>> {
        self.0.iter().filter_map(|(tag, text)| Some(Candidate { tag, version: scheme.read(text)? })).collect()
    }
}

/// Whether a tag is a version of what it is published with, and not something kept beside it.
pub fn counts(tag: &str, scheme: &Scheme) -> bool {
    !(version::is_artifact(tag) || scheme.is_guarded() && version::is_commit(tag))
}

/// Chooses the newest of `tags` for whoever uses `current`. The order of `tags` makes no difference.
///
/// # Errors
/// Why nothing can be chosen.
pub fn pick<'t>(current: &str, tags: &[&'t str], policy: &Policy) -> Result<Choice<'t>, NoChoice> {
    let choice = weigh(current, tags, policy)?;
    if choice.newest.is_none() && policy.scheme.is_guarded() && !choice.published {
        return Err(NoChoice::Missing { latest: choice.latest.map(str::to_owned) });
    }
    Ok(choice)
}

/// The higher tags that do not count, the highest first: also where nothing can be chosen because the current
/// tag is not published.
pub fn rejected<'t>(current: &str, tags: &[&'t str], policy: &Policy) -> Vec<Rejected<'t>> {
    weigh(current, tags, policy).map(|choice| choice.rejected).unwrap_or_default()
}

/// The choice, whether or not the current tag is published.
fn weigh<'t>(current: &str, tags: &[&'t str], policy: &Policy) -> Result<Choice<'t>, NoChoice> {
    if tags.is_empty() {
        return Err(NoChoice::NoTags);
    }
    let scheme = &policy.scheme;
    // Names tell nothing of that: see `pushed`.
    if matches!(scheme, Scheme::Pushed) {
        return Err(NoChoice::Undated);
    }
    let texts = Texts::of(tags, policy);
    let candidates = texts.read(scheme);
    if candidates.is_empty() && !tags.contains(&current) {
        return Err(match scheme {
            Scheme::Date(_) => NoChoice::NoValidDate,
            _ if has_version(current, policy) => NoChoice::NoValidVersion,
            _ => NoChoice::Unversioned,
        });
    }
    let published = tags.contains(&current);
    let unversioned = if published { NoChoice::Moving } else { NoChoice::Unversioned };
    let Some(text) = policy.text(current).filter(|_| counts(current, scheme)) else {
        return Err(unversioned);
    };
    let Some(now) = scheme.read(&text) else {
        return Err(match scheme {
            Scheme::Date(_) => NoChoice::NoValidDate,
            _ => unversioned,
        });
    };
    let judge = Judge::new(current, &now, &candidates, policy)?;
    let mut choice = Choice {
        published,
        newest: None,
        latest: None,
        level: None,
        levels: BTreeMap::new(),
        steps: None,
        rejected: Vec::new(),
    };
    let mut between = Between::default();
    let mut latest: Option<&Candidate<'t, '_>> = None;
    let mut levels: BTreeMap<Level, &Candidate<'t, '_>> = BTreeMap::new();
    let mut rejected: Vec<(&Candidate<'t, '_>, Rule)> = Vec::new();
    for candidate in &candidates {
        let newer = judge.age(&candidate.version, &now).is_gt();
        match judge.rejects(candidate) {
            Some(rule) if newer => rejected.push((candidate, rule)),
            Some(_) => {}
            None => {
                let higher = |known: &&Candidate<'t, '_>| judge.prefers(candidate, known);
                if latest.as_ref().is_none_or(higher) {
                    latest = Some(candidate);
                }
                let level = candidate.version.level(&now);
                if newer {
                    between.add(&candidate.version, level);
                }
                if newer && levels.get(&level).is_none_or(|known| judge.prefers(candidate, known)) {
                    levels.insert(level, candidate);
                }
            }
        }
    }
    choice.latest = latest.map(|latest| latest.tag);
    if let Some(newest) = latest.filter(|latest| judge.age(&latest.version, &now).is_gt()) {
        choice.newest = Some(newest.tag);
        choice.level = newest.version.is_numbered().then(|| newest.version.level(&now));
        choice.steps = choice.level.and_then(|level| between.of(level, &now));
    }
    choice.levels = levels.into_iter().map(|(level, candidate)| (level, candidate.tag)).collect();
    rejected.sort_by(|(one, _), (other, _)| {
        by_age(&other.version, &one.version).then_with(|| one.tag.cmp(other.tag))
    });
    rejected.dedup_by(|(one, _), (other, _)| one.tag == other.tag);
    choice.rejected =
        rejected.into_iter().map(|(candidate, rule)| Rejected { tag: candidate.tag, rule }).collect();
    Ok(choice)
}

/// The newer versions that count, each number of each level once.
#[derive(Default)]
struct Between<'v> {
    numbers: BTreeMap<Level, BTreeSet<Number<'v>>>,
    /// What orders those of the third number, counters of builds for one.
    builds: BTreeSet<(Number<'v>, Vec<Part<'v>>)>,
}

impl<'v> Between<'v> {
    fn add(&mut self, version: &Version<'v>, level: Level) {
        let place = match level {
            Level::Major => 0,
            Level::Minor => 1,
            Level::Patch => 2,
        };
        self.numbers.entry(level).or_default().insert(version.number(place));
        if level == Level::Patch {
            self.builds.insert((version.number(place), version.build.clone()));
        }
    }

    /// How many there are of a level. Where all have the third number in use, what stands behind it counts.
    fn of(&self, level: Level, now: &Version<'_>) -> Option<u64> {
        let numbers = self.numbers.get(&level)?;
        let other =
            numbers.iter().filter(|number| level != Level::Patch || **number != now.number(2)).count();
        let count = if other > 0 { other } else { self.builds.len() };
        u64::try_from(count).ok().filter(|count| *count > 0)
    }
}

/// Whether a tag has a number at all.
fn has_version(tag: &str, policy: &Policy) -> bool {
    policy.text(tag).is_some_and(|text| text.bytes().any(|b| b.is_ascii_digit()))
}

/// Says of each candidate whether it counts.
struct Judge<'p, 'v> {
    current: &'v Version<'v>,
    policy: &'p Policy,
    range: Option<Range>,
    /// Whether tags must have a `v`, or have none, as the current one.
    styled: bool,
    /// Whether deprecated tags are left out.
    skips_deprecated: bool,
}

impl<'p, 'v> Judge<'p, 'v> {
    fn new(
        tag: &str,
        current: &'v Version<'v>,
        candidates: &[Candidate<'_, '_>],
        policy: &'p Policy,
    ) -> Result<Self, RangeError> {
        let range = policy.range.as_deref().map(|text| Range::read(text, current)).transpose()?;
        let skips_deprecated = !policy.skip_deprecated.iter().any(|one| one.fits(tag));
        let mut judge = Self { current, policy, range, styled: false, skips_deprecated };
        judge.styled = policy.scheme.is_guarded()
            && candidates.iter().any(|c| judge.kind(&c.version).is_none() && c.version.v == current.v);
        Ok(judge)
    }

    /// What makes a version one of another kind than the current one.
    fn kind(&self, version: &Version<'_>) -> Option<Rule> {
        if !self.policy.any_variant && version.variant != self.current.variant {
            return Some(Rule::Variant);
        }
        let precise = self.policy.any_precision || version.precision == self.current.precision;
        (!precise).then_some(Rule::Precision)
    }

    /// The first rule that keeps a candidate out.
    fn rejects(&self, candidate: &Candidate<'_, '_>) -> Option<Rule> {
        let (version, current, policy) = (&candidate.version, self.current, self.policy);
        let listed = |patterns: &[super::policy::Pattern]| patterns.iter().any(|one| one.fits(candidate.tag));
        let pinned = |place: usize| {
            policy.pin[place].is_none_or(|number| version.number(place).value() == Some(number))
        };
        let major = version.number(0);
        let rules = [
            (Rule::Style, self.styled && version.v != current.v),
            (Rule::Outlier, self.is_outlier(version)),
            (Rule::Jump, self.jumps(major)),
            (Rule::Prerelease, !self.admits(version)),
            (Rule::Level, version.level(current) > policy.level),
            (Rule::Pin, !(0..policy.pin.len()).all(pinned)),
            (Rule::Lts, !policy.lts.is_empty() && !policy.lts.iter().any(|lts| major.value() == Some(*lts))),
            (Rule::Range, self.range.as_ref().is_some_and(|range| !range.holds(version, &policy.scheme))),
            (Rule::Allow, !policy.allow.is_empty() && !listed(&policy.allow)),
            (Rule::Deny, listed(&policy.deny)),
            (Rule::Deprecated, self.skips_deprecated && listed(&policy.skip_deprecated)),
        ];
        self.kind(version).or_else(|| rules.into_iter().find(|(_, rejects)| *rejects).map(|(rule, _)| rule))
    }

    fn is_outlier(&self, version: &Version<'_>) -> bool {
        let is = |place: usize| {
            version.number(place).is_at_least(OUTLIER) && !self.current.number(place).is_at_least(OUTLIER)
        };
        let first = self.policy.max_major_jump != Some(0) && is(0);
        self.policy.scheme.is_guarded() && (first || is(1))
    }

    fn jumps(&self, major: Number<'_>) -> bool {
        let now = self.current.number(0);
        let most = match self.policy.max_major_jump {
            Some(0) => return false,
            Some(most) => most,
            None if !self.policy.scheme.is_guarded() || now.is_at_least(OUTLIER) => return false,
            None => LARGEST_JUMP,
        };
        match (major.value(), now.value()) {
            (Some(major), Some(now)) => major.saturating_sub(now) > most,
            _ => major > now,
        }
    }

    /// Whether a version is a release, or a prerelease that counts.
    fn admits(&self, version: &Version<'_>) -> bool {
        let any = self.policy.prerelease == Prereleases::Any
            || self.range.as_ref().is_some_and(Range::admits_prereleases);
        match (&version.stage, &self.current.stage) {
            (Some(stage), Some(current)) if self.policy.prerelease == Prereleases::SameWord => {
                stage.word.eq_ignore_ascii_case(current.word)
            }
            (None, _) => self.policy.prerelease != Prereleases::SameWord,
            (Some(_), _) if any => true,
            (Some(_), Some(_)) => version.cmp_numbers(self.current).is_eq(),
            (Some(_), None) => false,
        }
    }

    /// The order of two versions. Counters of different variants have nothing to do with each other.
    fn age(&self, one: &Version<'_>, other: &Version<'_>) -> Ordering {
        if one.variant == other.variant { by_age(one, other) } else { by_stage(one, other) }
    }

    /// Whether one candidate is to be chosen rather than another: the newer one; of several variants of one
    /// version the current one, else the plainest; of two that are equal the one that is written more like
    /// the current one, and in the end the one whose text comes first.
    fn prefers(&self, one: &Candidate<'_, '_>, other: &Candidate<'_, '_>) -> bool {
        let kin = |candidate: &Candidate<'_, '_>| {
            let variant = &candidate.version.variant;
            (*variant != self.current.variant, variant.len())
        };
        let like = |candidate: &Candidate<'_, '_>| {
            (candidate.version.v != self.current.v, candidate.version.precision != self.current.precision)
        };
        let order = by_stage(&one.version, &other.version)
            .then_with(|| kin(other).cmp(&kin(one)))
            .then_with(|| other.version.variant.cmp(&one.version.variant))
            .then_with(|| by_age(&one.version, &other.version))
            .then_with(|| like(other).cmp(&like(one)))
            .then_with(|| other.tag.len().cmp(&one.tag.len()))
            .then_with(|| other.tag.cmp(one.tag));
        order.is_gt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest<'t>(current: &str, tags: &[&'t str], policy: &Policy) -> Option<&'t str> {
        pick(current, tags, policy).ok().and_then(|choice| choice.newest)
    }

    #[test]
    fn only_published_versions_that_count_are_steps() {
        let steps = |current: &str, tags: &[&str], scheme: Scheme| {
            pick(current, tags, &Policy::of(scheme)).ok().and_then(|choice| choice.steps)
        };
        let auto = |current: &str, tags: &[&str]| steps(current, tags, Scheme::Auto);
        assert_eq!(auto("1.2.0", &["1.2.0", "1.2.9", "1.3.0", "1.3.1", "1.7.0", "1.7.0-rc.1"]), Some(2));
        assert_eq!(auto("1.2.0", &["1.2.0", "1.2.4", "1.2.9", "v1.2.8-alpine"]), Some(2));
        assert_eq!(auto("1.2.0", &["1.3.0", "3.0.0", "9.1.0", "9.2.0"]), Some(2));
        assert_eq!(auto("1.2.0", &["1.2.0", "1.1.0"]), None);
        let builds = ["v1.21.1-eksbuild.1", "v1.21.1-eksbuild.3", "v1.21.1-eksbuild.10"];
        assert_eq!(steps("v1.21.1-eksbuild.1", &builds, Scheme::EksAddon), Some(2));
    }

    #[test]
    fn a_release_has_no_word_to_keep_to() {
        let same = Policy { prerelease: Prereleases::SameWord, ..Policy::of(Scheme::Auto) };
        assert_eq!(newest("1.0.0", &["1.0.0", "1.1.0-rc1", "1.1.0"], &same), None);
        assert_eq!(newest("1.0.0-rc1", &["1.0.0-rc1", "1.1.0-rc2", "1.1.0"], &same), Some("1.1.0-rc2"));
    }

    #[test]
    fn another_variant_of_the_same_version_is_nothing_newer() {
        let any = Policy { any_variant: true, ..Policy::of(Scheme::Auto) };
        assert_eq!(newest("1.2.3", &["1.2.3", "1.2.3-alpine"], &any), None);
        assert_eq!(newest("1.2.3-alpine", &["1.2.3", "1.2.3-alpine", "1.2.3-alpine-slim"], &any), None);
        assert_eq!(newest("1.2-alpine", &["1.2-alpine", "1.3", "1.3-debian-slim"], &any), Some("1.3"));
        assert_eq!(newest("1.2-alpine", &["1.2-alpine", "1.3", "1.3-alpine"], &any), Some("1.3-alpine"));
        assert_eq!(
            newest("1.2-alpine-1", &["1.2-alpine-1", "1.2-alpine-2", "1.2"], &any),
            Some("1.2-alpine-2")
        );
    }
}
