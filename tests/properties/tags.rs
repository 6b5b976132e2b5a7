//! What holds for every tag of the lists that twenty projects have published, taken as the current one.

use std::path::Path;

use tidegate::lcm::pick::{Choice, NoChoice, counts, pick};
use tidegate::lcm::policy::{Policy, Prereleases};
use tidegate::lcm::sort::{compare, sorted};
use tidegate::lcm::version::{Level, Scheme, Version, by_age};

fn lists() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/tags");
    let mut lists: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
        })
        .collect();
    lists.sort();
    assert!(lists.len() >= 20 && lists.iter().all(|(_, text)| !text.is_empty()));
    lists
}

fn read(tag: &str) -> Version<'_> {
    Scheme::Auto.read(tag).unwrap_or_else(|| panic!("{tag} is a version"))
}

/// Every tag of a list, with what is chosen for whoever uses it.
fn each(policy: &Policy, mut holds: impl FnMut(&str, &str, &[&str], &Result<Choice<'_>, NoChoice>)) {
    let mut chosen = 0;
    for (list, text) in lists() {
        let tags: Vec<&str> = text.lines().collect();
        for current in &tags {
            let choice = pick(current, &tags, policy);
            chosen += usize::from(choice.as_ref().is_ok_and(|choice| choice.newest.is_some()));
            holds(&list, current, &tags, &choice);
        }
    }
    assert!(chosen > 500, "only {chosen} have anything newer");
}

#[test]
fn nobody_goes_down_or_to_another_variant_or_to_a_prerelease_unasked() {
    each(&Policy::of(Scheme::Auto), |list, current, _, choice| {
        let Some(newest) = choice.as_ref().ok().and_then(|choice| choice.newest) else { return };
        let (now, then) = (read(current), read(newest));
        assert!(by_age(&then, &now).is_gt(), "{list}: {current} -> {newest} goes down");
        assert_eq!(now.variant, then.variant, "{list}: {current} -> {newest}");
        assert_eq!(now.precision, then.precision, "{list}: {current} -> {newest}");
        assert!(now.stage.is_some() || then.stage.is_none(), "{list}: {current} -> {newest} is a prerelease");
    });
}

#[test]
fn whoever_follows_the_choice_has_arrived() {
    let policy = Policy::of(Scheme::Auto);
    each(&policy, |list, current, tags, choice| {
        let Some(newest) = choice.as_ref().ok().and_then(|choice| choice.newest) else { return };
        let again = pick(newest, tags, &policy).unwrap();
        // From a prerelease one may come to a later one of the same numbers, and from there to a release.
        assert_eq!(again.newest, None, "{list}: {current} -> {newest}");
    });
}

#[test]
fn a_level_is_kept_to() {
    for level in [Level::Patch, Level::Minor] {
        let policy = Policy { level, prerelease: Prereleases::Any, ..Policy::of(Scheme::Auto) };
        each(&policy, |list, current, _, choice| {
            let Some(newest) = choice.as_ref().ok().and_then(|choice| choice.newest) else { return };
            let (now, then) = (read(current), read(newest));
            assert_eq!(now.number(0), then.number(0), "{list}: {current} -> {newest}");
            assert!(
                level == Level::Minor || now.number(1) == then.number(1),
                "{list}: {current} -> {newest}"
            );
        });
    }
}

#[test]
fn the_order_of_what_is_published_makes_no_difference() {
    let policy = Policy::of(Scheme::Auto);
    for (list, text) in lists() {
        let tags: Vec<&str> = text.lines().collect();
        let back: Vec<&str> = tags.iter().rev().copied().collect();
        let mut by_name = tags.clone();
        by_name.sort_unstable();
        for scheme in [Scheme::Auto, Scheme::Docker, Scheme::Semver, Scheme::Loose] {
            let policy = Policy::of(scheme);
            assert_eq!(sorted(&tags, &policy), sorted(&back, &policy), "{list}");
        }
        for current in tags.iter().step_by(5) {
            let choice = pick(current, &tags, &policy);
            for other in [&back, &by_name] {
                assert_eq!(choice, pick(current, other, &policy), "{list}: {current}");
            }
        }
    }
}

#[test]
fn lists_are_sorted_as_their_versions_compare() {
    // One by one, and all of them as one list that is long enough to be sorted by other means.
    let mut lists: Vec<String> = lists().into_iter().map(|(_, text)| text).collect();
    lists.push(lists.concat());
    for scheme in [Scheme::Auto, Scheme::Docker, Scheme::Semver, Scheme::Helm, Scheme::Loose] {
        let policy = Policy::of(scheme.clone());
        for text in &lists {
            let tags: Vec<&str> = text.lines().collect();
            let known = tags.iter().filter(|tag| counts(tag, &scheme));
            let mut versions: Vec<_> = known.filter_map(|tag| Some((scheme.read(tag)?, *tag))).collect();
            versions.sort_by(|(one, a), (other, b)| compare(one, other, &scheme).then_with(|| a.cmp(b)));
            let expected: Vec<&str> = versions.into_iter().map(|(_, tag)| tag).collect();
            assert_eq!(sorted(&tags, &policy), expected, "{scheme}");
        }
    }
}

#[test]
fn the_order_of_versions_is_total() {
    for (list, text) in lists() {
        // Every pair and triple of a sample that is spread over the whole list.
        let tags: Vec<&str> = text.lines().collect();
        let step = (tags.len() / 60).max(1);
        let versions: Vec<Version<'_>> =
            tags.iter().step_by(step).filter_map(|tag| Scheme::Auto.read(tag)).collect();
        for a in &versions {
            assert!(by_age(a, a).is_eq());
            for b in &versions {
                assert_eq!(by_age(a, b), by_age(b, a).reverse(), "{list}: {a:?} {b:?}");
                for c in &versions {
                    if by_age(a, b).is_le() && by_age(b, c).is_le() {
                        assert!(by_age(a, c).is_le(), "{list}: {a:?} {b:?} {c:?}");
                    }
                }
            }
        }
    }
}
