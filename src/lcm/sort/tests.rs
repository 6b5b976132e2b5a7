//! Whatever the tags, integers put them in the order that comparing them does.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const SCHEMES: [Scheme; 4] = [Scheme::Auto, Scheme::Docker, Scheme::Semver, Scheme::Helm];

fn check(tags: &[&str]) {
    for scheme in &SCHEMES {
        let policy = Policy::of(scheme.clone());
        assert_eq!(by_integers(tags, scheme), by_comparing(tags, &policy), "{scheme}");
    }
}

/// What stands at the beginning of tags, and of other texts.
const PREFIXES: [&str; 14] = [
    "",
    "",
    "",
    "",
    "v",
    "V",
    "v",
    "python-",
    "python-v",
    "release.",
    "a/b/",
    "sha256-",
    "é",
    "a-name-of-thirty-letters-or-so-",
];
/// Small numbers, numbers at the edges of what has room, and what no machine counts with.
const NUMBERS: [&str; 22] = [
    "0",
    "0",
    "1",
    "1",
    "2",
    "10",
    "00",
    "01",
    "007",
    "222",
    "223",
    "2034",
    "2035",
    "2036",
    "2037",
    "65535",
    "65536",
    "20240102",
    "202401021530",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
];
/// What stands behind numbers: stages, counters, words, days, and what is wrong.
const RESTS: [&str; 46] = [
    "",
    "",
    "",
    "",
    "-rc1",
    "-rc.1",
    "rc1",
    "a1",
    "b2",
    "-RC.1",
    "-alpha",
    "-beta.10",
    "-beta.9",
    "-dev.1.alpha.2",
    "-1",
    "-01",
    "_2",
    "+2",
    "-r3",
    "-ls4",
    "-alpine",
    "-alpine3.19",
    "-alpine3.20",
    "-security-3",
    "-slim-bookworm",
    "-bookworm-slim",
    "-windowsservercore-ltsc2019",
    "-windowsservercore-ltsc2022",
    "-debian-12-r44",
    "+build.7",
    "+k3s1",
    "-g1a2b3c4",
    "-0.20240102123456-abcdef123456",
    "-18446744073709551616",
    "-rc.18446744073709551616",
    ".sig",
    "-1.sig",
    ".RELEASE",
    ".",
    "..1",
    "-",
    "#",
    "-é",
    "é",
    "abcdef0",
    "-x.y.z-1+2",
];

fn tag() -> impl Strategy<Value = String> {
    let dotted = prop::collection::vec(select(&NUMBERS[..]), 1..8).prop_map(|numbers| numbers.join("."));
    let small = prop::collection::vec(0..4_u8, 1..6)
        .prop_map(|numbers| numbers.iter().map(u8::to_string).collect::<Vec<_>>().join("."));
    let day = (2020..2024_u16, 0..14_u8, 0..33_u8, prop::bool::ANY).prop_map(|(year, month, day, time)| {
        format!("{year}-{month:02}-{day:02}{}", if time { "T01-02-03Z" } else { "" })
    });
    let commit = "0123456789abcdef".chars().collect::<Vec<_>>();
    let hash =
        prop::collection::vec(select(commit), 6..42).prop_map(|hex| hex.into_iter().collect::<String>());
    let numbers = prop_oneof![4 => small, 3 => dotted, 1 => day, 1 => hash];
    (select(&PREFIXES[..]), numbers, select(&RESTS[..]))
        .prop_map(|(prefix, numbers, rest)| format!("{prefix}{numbers}{rest}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn integers_sort_as_comparing_does(tags in prop::collection::vec(tag(), 0..300)) {
        check(&tags.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn numbers_that_are_cut_make_no_version_of_what_is_none() {
    check(&["20240102.0.sig", "1.2.3.4.5.6..7", "1.2.3.4.5.6", "1.2.3.4.5.6-é", "sha256-20240102.0.1.sbom"]);
}

#[test]
fn every_number_stands_with_everything_around_it() {
    let mut tags = Vec::new();
    for prefix in PREFIXES {
        for number in NUMBERS {
            tags.extend(RESTS.iter().map(|rest| format!("{prefix}{number}{rest}")));
            tags.extend(NUMBERS.iter().map(|other| format!("{prefix}1.{number}.{other}")));
        }
    }
    check(&tags.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn tails_that_push_each_other_out_are_ranked_alike() {
    // Far more tails than are found again, each of them three times, and a common one between them.
    let tail = |n: usize| [format!("1.2.3-g{:07x}", n % 40_000 * 6_151), "1.2.3-alpine".to_owned()];
    let tags: Vec<String> = (0..120_000).flat_map(tail).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    assert_eq!(by_integers(&tags, &Scheme::Auto), by_comparing(&tags, &Policy::of(Scheme::Auto)));
}

#[test]
fn tails_longer_than_any_row_are_told_apart() {
    let long = "x".repeat(70_000);
    let numbers = vec!["1"; 70_000].join(".");
    let tags = [
        format!("1-{long}b"),
        format!("1-{long}a"),
        format!("{numbers}.2"),
        numbers,
        format!("{long}-1"),
        "1".to_owned(),
    ];
    check(&tags.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn many_tags_are_sorted_like_few() {
    let tags: Vec<String> = (0..2 * MANY).map(|n| format!("v{}.{}-rc.{n}", n % 7, n % 11)).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let policy = Policy::of(Scheme::Auto);
    assert_eq!(sorted(&tags, &policy), by_comparing(&tags, &policy));
}
