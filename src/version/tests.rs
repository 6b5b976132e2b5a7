//! Tests of the module.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::skew::{self, Component, SkewError};
use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn kube(text: &str) -> KubeVersion {
    text.parse().unwrap()
}

#[test]
fn versions_are_strict_and_say_what_is_wrong() {
    for (text, part) in [
        ("v1.2.3", "write `1.2.3`"),
        ("1.2", "write `1.2.0`"),
        ("1", "write `1.0.0`"),
        ("v0.9", "write `0.9.0`"),
        ("v1-rc.1", "write `1.0.0-rc.1`"),
        ("v1.02.3", "starts with `v`"),
        ("1.2.3.4", "four"),
        ("", "empty"),
        ("1.02.3", "leading zero"),
        ("99999999999999999999.0.0", "99999999999999999999.0.0"),
        ("latest", "is not a version"),
        ("1.2.3 ", "is not a version"),
        ("ü.ö.ä", "is not a version"),
    ] {
        let message = text.parse::<Version>().unwrap_err().to_string();
        let part = part.replace("four", "has 4 numbers");
        assert!(message.contains(&part), "{text}: {message}");
    }
    assert!("1".repeat(10_000).parse::<Version>().unwrap_err().to_string().len() < 200);
}

#[test]
fn versions_are_ordered_as_semver_orders_them() {
    // semver.org, section 11, and then the build.
    let order = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.0+a",
        "1.0.1",
        "1.2.0",
        "1.10.0",
    ];
    assert!(order.windows(2).all(|pair| version(pair[0]) < version(pair[1])));
}

#[test]
fn ranges_match_as_npm_and_helm_match() {
    let table: [(&str, &[&str], &[&str]); 18] = [
        (">=1.2 <2", &["1.2.0", "1.9.9"], &["1.1.9", "2.0.0", "2.0.0-rc.1"]),
        (">=1.2,<2", &["1.2.0"], &["2.0.0"]),
        (">= 1.2 , < 2", &["1.2.0"], &["2.0.0"]),
        ("^1.2.3", &["1.2.3", "1.9.0"], &["1.2.2", "2.0.0", "1.3.0-rc.1"]),
        ("^0.2.3", &["0.2.9"], &["0.3.0"]),
        ("~1.2.3", &["1.2.9"], &["1.3.0"]),
        ("~1", &["1.9.0"], &["2.0.0"]),
        ("1.2.3", &["1.2.3"], &["1.2.4"]),
        ("=1.2.3", &["1.2.3"], &["1.2.4"]),
        ("1.2", &["1.2.0", "1.2.9"], &["1.3.0"]),
        ("1.2.x", &["1.2.0", "1.2.9"], &["1.3.0"]),
        ("1.x", &["1.9.0"], &["2.0.0"]),
        ("*", &["0.0.1", "9.9.9"], &["1.0.0-rc.1"]),
        ("^1.4 || ^3", &["1.4.0", "3.1.0"], &["2.0.0"]),
        (">1.2", &["1.3.0"], &["1.2.9"]),
        ("<=1.2", &["1.2.9"], &["1.3.0"]),
        (">=1.2.3-rc.1", &["1.2.3-rc.2", "1.2.3", "1.3.0"], &["1.2.3-beta", "1.3.0-rc.1"]),
        (">=1.0.0 *", &["1.0.0"], &["0.9.0"]),
    ];
    for (text, inside, outside) in table {
        let range: Range = text.parse().unwrap();
        assert_eq!(range.to_string(), text);
        for found in inside {
            assert!(range.matches(&version(found)), "{found} in {text}");
        }
        for found in outside {
            assert!(!range.matches(&version(found)), "{found} not in {text}");
        }
    }
}

#[test]
fn a_build_takes_no_part_in_matching() {
    let range: Range = "1.2.3".parse().unwrap();
    assert!(range.matches(&version("1.2.3+a")));
}

#[test]
fn broken_ranges_say_what_is_wrong() {
    for (text, part) in [
        ("", "empty"),
        ("   ", "empty"),
        ("||", "beside `||`"),
        ("^1 ||", "beside `||`"),
        (",1", "before a comma"),
        ("1,", "after a comma"),
        (">=", "no version after the operator"),
        (">= <2", "no version after the operator"),
        ("^v1.2", "write `1.2`"),
        ("1.2 - 1.4", ">=1.2 <=1.4"),
        ("1.x.3", "after a wildcard"),
        ("1.2.3.4", "more than three"),
        ("1.2-rc.1", "prerelease"),
        ("1.2.3-", "hyphen"),
        ("01.2", "leading zero"),
        (">*", "beyond"),
        ("banana", "not a version"),
        ("!1.2", "not a version"),
        ("1.99999999999999999999", "too large"),
        ("1..2", "not a version"),
    ] {
        let message = text.parse::<Range>().unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn kubernetes_versions_are_taken_as_servers_and_people_give_them() {
    for (text, minor, patch, pre) in [
        ("1.36", "1.36", None, false),
        ("1.36.3", "1.36", Some(3), false),
        ("v1.36.3", "1.36", Some(3), false),
        ("1.31.2-gke.1000", "1.31", Some(2), false),
        ("1.29.4-eksbuild.1", "1.29", Some(4), false),
        ("v1.30.1-eks-1234abc", "1.30", Some(1), false),
        ("v1.33.1+k3s1", "1.33", Some(1), false),
        ("v1.33.1+rke2r1", "1.33", Some(1), false),
        ("v1.36.0-alpha.1", "1.36", Some(0), true),
        ("v1.36.0-rc.0+abc", "1.36", Some(0), true),
    ] {
        let found = kube(text);
        assert_eq!(found.to_string(), text);
        assert_eq!(found.minor().to_string(), minor);
        assert_eq!((found.patch(), found.is_prerelease()), (patch, pre), "{text}");
    }
    for text in [
        "",
        "1",
        "1.36.",
        "1.36.3.4",
        "1.036",
        "1.36-gke",
        "1.36.1-",
        "1.36.1-a b",
        "x.y",
        "1.36+",
        "1.99999999999",
    ] {
        assert!(text.parse::<KubeVersion>().is_err(), "{text}");
    }
    assert!("1.36.3".parse::<KubeMinor>().unwrap_err().to_string().contains("write `1.36`"));
    assert!("v1.36".parse::<KubeMinor>().is_err());
}

#[test]
fn kubernetes_versions_are_ordered_by_numbers_then_suffix() {
    let order = [
        "1.35.9",
        "v1.36.0-alpha.1",
        "v1.36.0-rc.1",
        "1.36",
        "1.36.0",
        "1.36.0-gke.900",
        "1.36.0-gke.1000",
        "1.36.1",
        "1.36.10",
    ];
    let found: Vec<KubeVersion> = order.iter().map(|text| kube(text)).collect();
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
}

#[test]
fn kubernetes_ranges_look_at_the_numbers_alone() {
    let range: KubeRange = ">=1.34 <1.37".parse().unwrap();
    for text in ["1.34", "1.34.0-rc.1", "v1.36.9-gke.1", "1.36.1+k3s1"] {
        assert!(range.matches(&kube(text)), "{text}");
    }
    for text in ["1.33.9", "1.37", "1.37.0-alpha.1", "2.0"] {
        assert!(!range.matches(&kube(text)), "{text}");
    }
    let patch: KubeRange = ">=1.36.2".parse().unwrap();
    assert!(!patch.matches(&kube("1.36")));
}

#[test]
fn nodes_follow_the_version_skew_policy() {
    let minor = |minor| KubeMinor::new(1, minor);
    assert_eq!(skew::node(minor(33), minor(36)), Ok(()));
    assert_eq!(skew::node(minor(36), minor(36)), Ok(()));
    assert!(matches!(skew::node(minor(32), minor(36)), Err(SkewError::TooOld { behind: 4, allowed: 3, .. })));
    assert!(matches!(skew::node(minor(37), minor(36)), Err(SkewError::Newer { .. })));
    assert!(matches!(skew::node(minor(24), minor(27)), Err(SkewError::TooOld { allowed: 2, .. })));
    assert!(skew::node(KubeMinor::new(0, 36), minor(36)).is_err());
    assert!(skew::component(Component::ControlPlane, minor(34), minor(36)).is_err());
    assert_eq!(skew::component(Component::ControlPlane, minor(35), minor(36)), Ok(()));
}

#[test]
fn a_control_plane_skips_no_minor_release_and_never_goes_back() {
    let minor = |minor| KubeMinor::new(1, minor);
    assert_eq!(skew::control_plane_step(minor(35), minor(36)), Ok(()));
    assert_eq!(skew::control_plane_step(minor(36), minor(36)), Ok(()));
    let skips = skew::control_plane_step(minor(34), minor(36)).unwrap_err();
    assert_eq!(
        skips.to_string(),
        "a control plane at 1.34 goes to 1.35 before 1.36: no minor release is skipped"
    );
    assert!(matches!(skew::control_plane_step(minor(36), minor(35)), Err(SkewError::GoesBack { .. })));
}

#[test]
fn serde_and_schema_use_strings() {
    let range: Range = serde_json::from_str("\"^1.2\"").unwrap();
    assert_eq!(serde_json::to_string(&range).unwrap(), "\"^1.2\"");
    assert!(
        serde_json::from_str::<Version>("\"v1.0.0\"").unwrap_err().to_string().contains("starts with `v`")
    );
    assert!(serde_json::from_str::<KubeMinor>("1.36").is_err());
    let schema = schemars::schema_for!(KubeVersion);
    assert_eq!(schema.as_value()["type"], "string");
    let validator = jsonschema::validator_for(schemars::schema_for!(Version).as_value()).unwrap();
    assert!(validator.is_valid(&serde_json::json!("1.4.0-rc.1")));
    assert!(!validator.is_valid(&serde_json::json!("v1.4.0")));
}

fn any_version() -> impl Strategy<Value = Version> {
    "(0|[1-9][0-9]{0,2})\\.(0|[1-9])\\.(0|[1-9])(-(0|[1-9][0-9]{0,2}|[a-c]{1,2})(\\.(0|[1-9]|[a-c]))?)?(\\+[a-c0-9]{1,2})?"
        .prop_map(|text| text.parse().unwrap())
}

fn any_kube() -> impl Strategy<Value = KubeVersion> {
    "v?1\\.(0|[1-9][0-9]?)(\\.(0|[1-9])([-+](gke\\.[0-9]{1,3}|rc\\.[0-9]|k3s[0-9]))?)?"
        .prop_map(|text| text.parse().unwrap())
}

proptest! {
    #[test]
    fn the_order_of_versions_is_total_and_agrees_with_equality(a in any_version(), b in any_version(), c in any_version()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a <= b && b <= c { prop_assert!(a <= c); }
        prop_assert_eq!(a.to_string().parse::<Version>().unwrap(), a);
    }

    #[test]
    fn the_order_of_kubernetes_versions_is_total_and_agrees_with_equality(a in any_kube(), b in any_kube(), c in any_kube()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a <= b && b <= c { prop_assert!(a <= c); }
    }

    #[test]
    fn a_range_from_a_version_up_holds_what_is_not_below_it(a in any_version(), b in any_version()) {
        prop_assume!(!a.is_prerelease() && !b.is_prerelease());
        let range: Range = format!(">={}.{}.{}", a.major(), a.minor(), a.patch()).parse().unwrap();
        let numbers = |v: &Version| (v.major(), v.minor(), v.patch());
        prop_assert_eq!(range.matches(&b), numbers(&b) >= numbers(&a));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "[0-9v.x*^~<>=|, +a-c\u{e9}-]{0,24}") {
        let _ = text.parse::<Version>();
        let _ = text.parse::<Range>();
        let _ = text.parse::<KubeVersion>();
        let _ = text.parse::<KubeMinor>();
    }
}
