//! The schemes beside `auto`: each reads one kind of version, strictly as it is defined.

use regex::Regex;

use super::auto::dotted;
use super::{Number, Part, Place, Precision, Stage, Version};

/// Numbers with points between them, and nothing else.
fn numbers(text: &str) -> Option<Vec<Number<'_>>> {
    text.split('.').map(Number::read).collect()
}

/// Identifiers with points between them; numbers among them are compared as such.
fn identifiers(text: &str) -> Option<Vec<Part<'_>>> {
    let part = |text| match Number::read(text) {
        Some(number) => Some(Part::Number(number)),
        None => {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            (!text.is_empty() && text.bytes().all(fits)).then_some(Part::Text(text))
        }
    };
    text.split('.').map(part).collect()
}

/// What stands after a sign, if the sign is there; nothing at all where it is followed by nothing right.
fn after<'t>(text: &'t str, sign: char) -> Option<(&'t str, Option<Vec<Part<'t>>>)> {
    match text.split_once(sign) {
        None => Some((text, None)),
        Some((before, after)) => Some((before, Some(identifiers(after)?))),
    }
}

/// Semantic Versioning 2.0.0 (semver.org, rules 2, 9 to 11), with a leading `v` and missing numbers. Build
/// metadata, which has no say there, orders versions that are otherwise equal.
pub(super) fn semver(tag: &str) -> Option<Version<'_>> {
    let bare = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let (rest, build) = after(bare, '+')?;
    // Of metadata not even the form orders anything: numbers in it are numbers, also behind letters.
    let build = build.and_then(|_| loose(&bare[rest.len() + 1..])).map(|loose| loose.build);
    let (core, parts) = after(rest, '-')?;
    let numbers = numbers(core).filter(|numbers| numbers.len() <= 3)?;
    let word = rest.get(core.len() + 1..).unwrap_or_default();
    let word = &word[..word.bytes().take_while(u8::is_ascii_alphabetic).count()];
    let stage = parts.map(|parts| Stage { word, parts });
    Some(Version {
        v: bare.len() < tag.len(),
        stage,
        build: build.unwrap_or_default(),
        ..Version::of(numbers)
    })
}

/// Where the numbers of Semantic Versioning stand: at the beginning.
pub(super) fn semver_place(tag: &str) -> Option<Place<'_>> {
    let bare = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let (numbers, rest) = bare.split_at(dotted(bare)?);
    Some(Place { prefix: "", v: bare.len() < tag.len(), numbers, day: false, rest })
}

/// Runs of digits, as numbers, and runs of anything else.
pub(super) fn loose(tag: &str) -> Option<Version<'_>> {
    let mut parts = Vec::new();
    let mut left = tag;
    while let Some(first) = left.chars().next() {
        let same = |c: char| c.is_ascii_digit() == first.is_ascii_digit();
        let (run, after) = left.split_at(left.find(|c| !same(c)).unwrap_or(left.len()));
        parts.push(Number::read(run).map_or(Part::Text(run), Part::Number));
        left = after;
    }
    (!parts.is_empty()).then(|| Version { build: parts, ..Version::of(Vec::new()) })
}

/// The bytes.
pub(super) fn lex(tag: &str) -> Option<Version<'_>> {
    Some(Version { build: vec![Part::Text(tag)], ..Version::of(Vec::new()) })
}

/// `N(.N(.N))-N(.N)`: what stands behind the dash may be missing, and is lowest then.
pub(super) fn red_hat(tag: &str) -> Option<Version<'_>> {
    let (core, build) = match tag.split_once('-') {
        None => (tag, Vec::new()),
        Some((core, build)) => (core, numbers(build).filter(|build| build.len() <= 2)?),
    };
    let numbers = numbers(core).filter(|numbers| numbers.len() <= 3)?;
    let precision = Precision::Numbers(numbers.len());
    let build = build.into_iter().map(Part::Number).collect();
    Some(Version { precision, build, ..Version::of(numbers) })
}

/// `X.Y.Z-eksbuild.N`.
pub(super) fn eks_addon(tag: &str) -> Option<Version<'_>> {
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    let (core, build) = bare.split_once("-eksbuild.")?;
    let numbers = numbers(core).filter(|numbers| numbers.len() == 3)?;
    let build = vec![Part::Number(Number::read(build)?)];
    Some(Version { v: bare.len() < tag.len(), build, ..Version::of(numbers) })
}

/// Stages of Kubernetes releases (kubernetes.io/releases/version-skew-policy); any other suffix is a
/// provider's.
const STAGES: [(&str, u8); 3] = [("alpha", 2), ("beta", 3), ("rc", 5)];

/// A version of Kubernetes, without what its provider appends.
pub(super) fn kubernetes(tag: &str) -> Option<Version<'_>> {
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    let (core, suffix) = bare.split_at(bare.find(['-', '+']).unwrap_or(bare.len()));
    let numbers = numbers(core).filter(|numbers| (2..=3).contains(&numbers.len()))?;
    let suffix = suffix.split('+').next().and_then(|suffix| suffix.strip_prefix('-')).unwrap_or_default();
    let stage = STAGES.iter().find_map(|(word, rank)| {
        let number = suffix.strip_prefix(word)?.trim_start_matches('.').split('-').next()?;
        let number = if number.is_empty() { Number::ZERO } else { Number::read(number)? };
        Some(Stage { word, parts: vec![Part::Rank(*rank), Part::Number(number)] })
    });
    Some(Version { v: bare.len() < tag.len(), stage, ..Version::of(numbers) })
}

/// A version of an API (kubernetes.io/docs/concepts/overview/kubernetes-api, "API versioning"), with its
/// group before a slash or without.
pub(super) fn kubernetes_api(tag: &str) -> Option<Version<'_>> {
    let (group, version) = tag.rsplit_once('/').unwrap_or(("", tag));
    let rest = version.strip_prefix('v')?;
    let (major, stage) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
    let stage = match STAGES.iter().take(2).find(|(word, _)| stage.starts_with(word)) {
        Some((word, rank)) => {
            let number = Number::read(&stage[word.len()..])?;
            Some(Stage { word, parts: vec![Part::Rank(*rank), Part::Number(number)] })
        }
        None if stage.is_empty() => None,
        None => return None,
    };
    Some(Version { variant: vec![group], v: true, stage, ..Version::of(vec![Number::read(major)?]) })
}

/// A moment by its layout; what a layout leaves out is the first of it.
pub(super) fn date<'t>(layout: &str, tag: &'t str) -> Option<Version<'t>> {
    let mut read = jiff::fmt::strtime::parse(layout, tag).ok()?;
    if read.day().is_none() && read.day_of_year().is_none() {
        read.set_day(Some(1)).ok()?;
        if read.month().is_none() {
            read.set_month(Some(1)).ok()?;
        }
    }
    let utc = |moment: jiff::civil::DateTime| moment.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = match read.to_timestamp() {
        Ok(moment) => moment,
        Err(_) => match read.to_datetime() {
            Ok(moment) => utc(moment)?.timestamp(),
            Err(_) => utc(read.to_date().ok()?.at(0, 0, 0, 0))?.timestamp(),
        },
    };
    let build = vec![Part::Moment(moment.as_nanosecond())];
    Some(Version { build, ..Version::of(Vec::new()) })
}

/// The groups of an expression.
pub(super) fn regex<'t>(expression: &Regex, tag: &'t str) -> Option<Version<'t>> {
    let found = expression.captures(tag)?;
    let group = |name: &str| found.name(name).map(|group| group.as_str()).filter(|text| !text.is_empty());
    let mut numbers = Vec::new();
    for name in ["major", "minor", "patch"] {
        match group(name) {
            Some(text) => numbers.push(Number::read(text)?),
            None => numbers.push(Number::ZERO),
        }
    }
    let order = |text: &'t str| match Number::read(text) {
        Some(number) => vec![Part::Number(number)],
        None => loose(text).map(|version| version.build).unwrap_or_default(),
    };
    let stage = group("prerelease").map(|text| Stage {
        word: &text[..text.bytes().take_while(u8::is_ascii_alphabetic).count()],
        parts: order(text),
    });
    let mut build = Vec::new();
    for name in ["build", "revision"] {
        build.extend(group(name).map(order).unwrap_or_default());
        build.push(Part::End);
    }
    let variant = group("compatibility").into_iter().collect();
    Some(Version { variant, stage, build, ..Version::of(numbers) })
}
