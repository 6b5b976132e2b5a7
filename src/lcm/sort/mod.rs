//! Lists of tags in the order of their versions, millions of them in less time than their bytes alone would take.
//!
//! [`compare`] says what the order is, and few tags are compared by it. Of many, each becomes a row of integers:
//! its numbers are put into a word of the machine (`head`); what stands around the numbers is the same in many
//! tags, and is read and ranked once for all of them (`tails`); then the rows are sorted digit by digit
//! (`order`). Only tags whose numbers find no room in a word are compared after all.

mod bits;
mod head;
mod order;
mod tails;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;

use self::head::Head;
use self::order::Entry;
use self::tails::{Tail, Tails};
use super::pick::counts;
use super::policy::Policy;
use super::version::{Part, Precision, Scheme, Version};

/// Fewer tags are sooner compared.
const MANY: usize = 1000;
/// For more there is no room in an entry.
const MOST: usize = (1 << 30) - 1;

/// Versions of all kinds in one order, the lowest first; tags that are none are left out.
pub fn sorted<'t>(tags: &[&'t str], policy: &Policy) -> Vec<&'t str> {
    let as_published = policy.replace.is_none() && policy.extract.is_none();
    if as_published && policy.scheme.has_places() && (MANY..MOST).contains(&tags.len()) {
        by_integers(tags, &policy.scheme)
    } else {
        by_comparing(tags, policy)
    }
}

/// Sorts tags that are read one by one, and compared.
fn by_comparing<'t>(tags: &[&'t str], policy: &Policy) -> Vec<&'t str> {
    let known = tags.iter().filter(|tag| counts(tag, &policy.scheme));
    let texts: Vec<(&'t str, Cow<'t, str>)> =
        known.filter_map(|tag| Some((*tag, policy.text(tag)?))).collect();
    let read = texts.iter().filter_map(|(tag, text)| Some((policy.scheme.read(text)?, *tag)));
    let mut all: Vec<(Version<'_>, &'t str)> = read.collect();
    all.sort_by(|(one, first), (other, second)| {
        compare(one, other, &policy.scheme).then_with(|| first.cmp(second))
    });
    all.into_iter().map(|(_, tag)| tag).collect()
}

/// Sorts tags by integers that stand for them.
fn by_integers<'t>(tags: &[&'t str], scheme: &Scheme) -> Vec<&'t str> {
    let mut tails = Tails::new(scheme);
    let mut entries: Vec<Entry> = Vec::with_capacity(tags.len());
    for (at, tag) in tags.iter().enumerate() {
        let Some((head, tail)) = split(tag, scheme) else { continue };
        if tail.decides() || counts(tag, scheme) {
            entries.push(Entry::new(head, tails.number(tail, tag), tail.style(tag), at));
        }
    }
    let ranks = tails.ranks();
    entries.retain_mut(|entry| entry.rank(&ranks));
    order::sort(&mut entries);
    for alike in entries.chunk_by_mut(Entry::is_like).filter(|alike| alike.len() > 1) {
        settle(alike, tags, scheme);
    }
    entries.into_iter().map(|entry| tags[entry.at()]).collect()
}

/// The numbers of a tag, and what stands around them.
#[inline]
fn split<'t>(tag: &'t str, scheme: &Scheme) -> Option<(Head, Tail<'t>)> {
    let (prefix, version) = tag.split_at(scheme.begin(tag)?);
    if let Some((head, end)) = Head::of_plain(version, scheme) {
        return Some((head, Tail::new(prefix, &version[end..], head.places)));
    }
    let place = scheme.place(tag)?;
    let head = Head::of(&place, scheme);
    // What stands around numbers that had to be cut is not ranked, and so it is looked at here.
    if head.cut {
        scheme.read(tag).filter(|_| counts(tag, scheme))?;
    }
    Some((head, Tail::new(place.prefix, place.rest, head.places)))
}

/// Puts entries in order that their integers don't tell apart: of the same version, or with numbers that had
/// to be cut.
fn settle(alike: &mut [Entry], tags: &[&str], scheme: &Scheme) {
    if !alike[0].is_cut() {
        return alike.sort_unstable_by_key(|entry| tags[entry.at()]);
    }
    let mut read: Vec<(Option<Version<'_>>, Entry)> =
        alike.iter().map(|entry| (scheme.read(tags[entry.at()]), *entry)).collect();
    read.sort_unstable_by(|(one, first), (other, second)| {
        let versions = one.as_ref().zip(other.as_ref());
        let order = versions.map_or(Ordering::Equal, |(one, other)| compare(one, other, scheme));
        order.then_with(|| tags[first.at()].cmp(tags[second.at()]))
    });
    alike.iter_mut().zip(read).for_each(|(entry, (_, sorted))| *entry = sorted);
}

/// The order in which versions of a scheme are sorted. Tags of versions that are equal in it are sorted by their
/// bytes.
pub fn compare(one: &Version<'_>, other: &Version<'_>, scheme: &Scheme) -> Ordering {
    let numbers = match scheme {
        Scheme::Docker => shorter_above(one, other),
        _ => one.cmp_numbers(other),
    };
    numbers.then_with(|| compare_tails(one, other, scheme))
}

/// The order of versions with the same numbers: the stage, then what orders inside a version; where those are
/// equal too, the shorter one is lower, and the words of the variant decide.
fn compare_tails(one: &Version<'_>, other: &Version<'_>, scheme: &Scheme) -> Ordering {
    let length = |version: &Version<'_>| (version.numbers.len(), version.precision == Precision::Any);
    let bare = || match scheme {
        // A tag without a suffix stands above those with one.
        Scheme::Docker => is_bare(one).cmp(&is_bare(other)),
        _ => Ordering::Equal,
    };
    one.cmp_stage(other)
        .then_with(bare)
        .then_with(|| one.build.cmp(&other.build))
        .then_with(|| length(one).cmp(&length(other)))
        .then_with(|| one.variant.cmp(&other.variant))
}

/// Whether nothing stands around the numbers of a version, other than a stage.
fn is_bare(version: &Version<'_>) -> bool {
    version.variant.len() <= 1 && version.build.iter().all(|part| *part == Part::End)
}

/// The order of the numbers of image tags: a version that is shorter rolls on, and so stands above all that are
/// longer.
fn shorter_above(one: &Version<'_>, other: &Version<'_>) -> Ordering {
    let places = one.numbers.len().min(other.numbers.len());
    let numbers = one.numbers[..places].cmp(&other.numbers[..places]);
    numbers.then_with(|| other.numbers.len().cmp(&one.numbers.len()))
}
