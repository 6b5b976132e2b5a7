//! Providers' answers, as their programs print them, and answers that are none.

use jiff::civil::date;

use super::super::countdown::Estimate;
use super::super::dataset;
use super::super::known::Known;
use super::super::standing::Phase;
use super::*;
use crate::diag::Source;
use crate::model::{Duration, Support};
use crate::version::{KubeMinor, KubeVersion};
use crate::yaml;

const EKS: &[u8] = include_bytes!("../../../../tests/upstream/fixtures/eks.json");
const EKS_ADDONS: &[u8] = include_bytes!("../../../../tests/upstream/fixtures/eks-addons.json");
const AKS: &[u8] = include_bytes!("../../../../tests/upstream/fixtures/aks.json");
const AKS_MESH: &[u8] = include_bytes!("../../../../tests/upstream/fixtures/aks-mesh.json");
const GKE: &[u8] = include_bytes!("../../../../tests/upstream/fixtures/gke.json");

fn minor(text: &str) -> KubeMinor {
    text.parse().unwrap()
}

fn names(offered: &Offered) -> Vec<String> {
    offered.versions.iter().map(|one| one.version.to_string()).collect()
}

fn said(provider: Provider, text: &str) -> String {
    offered(provider, text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn eks_tells_minors_with_the_ends_of_their_support() {
    let eks = offered(Provider::Eks, EKS).unwrap();
    assert_eq!(names(&eks), ["1.36", "1.35", "1.34", "1.33", "1.30"]);
    assert_eq!(eks.problems, Vec::<String>::new());
    let default = eks.default().unwrap();
    assert_eq!((default.version.to_string().as_str(), default.platform.as_deref()), ("1.35", Some("eks.17")));
    assert_eq!(default.patch.as_ref().map(ToString::to_string).as_deref(), Some("1.35.6"));
    let old = eks.of_minor(minor("1.34")).next().unwrap();
    assert_eq!((old.plan, old.released), (Plan::Standard, Some(date(2025, 10, 6))));
    let standing = old.standing(date(2026, 11, 22));
    assert_eq!(standing.words(), "support ends in 10 days, on 2026-12-02");
    assert_eq!(eks.of_minor(minor("1.33")).next().unwrap().plan, Plan::Extended);
    assert_eq!(eks.of_minor(minor("1.30")).next().unwrap().plan, Plan::Unsupported);
    assert_eq!(eks.highest(), Some(minor("1.36")));
}

#[test]
fn eks_days_are_seconds_or_texts_in_any_zone() {
    for day in [
        "1796169600",
        "1796169600.0",
        "\"2026-12-02T00:00:00+00:00\"",
        "\"2026-12-01T16:00:00-08:00\"",
        "\"2026-12-02\"",
    ] {
        let text = format!(
            r#"{{"clusterVersions":[{{"clusterVersion":"1.34","endOfStandardSupportDate":{day}}}]}}"#
        );
        let eks = offered(Provider::Eks, text.as_bytes()).unwrap();
        assert_eq!(
            eks.versions[0].standing(date(2026, 12, 2)).words(),
            "support ends today, 2026-12-02",
            "{day}"
        );
    }
}

#[test]
fn a_day_that_nobody_can_read_makes_the_version_unknown_and_is_told() {
    for (day, why) in [
        ("\"soon\"", "`endOfStandardSupportDate` is `soon`, which is no day"),
        ("99999999999999", "`endOfStandardSupportDate` is 99999999999999, which is no day"),
        ("[]", "`endOfStandardSupportDate` is a list, which is no day"),
    ] {
        let text = format!(
            r#"{{"clusterVersions":[{{"clusterVersion":"1.34","versionStatus":"STANDARD_SUPPORT","endOfExtendedSupportDate":"2027-12-02","endOfStandardSupportDate":{day}}}]}}"#
        );
        let eks = offered(Provider::Eks, text.as_bytes()).unwrap();
        assert_eq!(eks.problems, [format!("1.34: {why}")]);
        assert_eq!(eks.versions[0].plan, Plan::Unknown);
        assert_eq!(eks.versions[0].standing(date(2026, 1, 1)).phase, Phase::Unknown);
    }
}

#[test]
fn pages_that_are_missing_and_odd_words_are_told() {
    let text = r#"{"clusterVersions":[{"clusterVersion":"1.36","status":"standard-support"},
        {"clusterVersion":"1.35","versionStatus":"PARTLY"},{"clusterVersion":135},{"clusterVersion":"v"},7,
        {"clusterVersion":"1.29","clusterType":"eks-local-outposts"}],"nextToken":"x"}"#;
    let eks = offered(Provider::Eks, text.as_bytes()).unwrap();
    assert_eq!(names(&eks), ["1.36", "1.35"]);
    assert_eq!((eks.versions[0].plan, eks.versions[1].plan), (Plan::Standard, Plan::Unknown));
    assert_eq!(
        eks.problems,
        [
            "more pages follow, which were not asked for",
            "1.35: its status `PARTLY` is not known here",
            "a `clusterVersion` is a number, expected a version",
            "a `clusterVersion` `v` is no version of Kubernetes",
            "an entry of `clusterVersions` is no mapping",
        ]
    );
}

#[test]
fn aks_tells_patch_releases_with_plans_and_upgrades() {
    let aks = offered(Provider::Aks, AKS).unwrap();
    assert_eq!(names(&aks), ["1.37.0", "1.36.2", "1.35.5", "1.35.4", "1.34.8", "1.33.11"]);
    assert_eq!(aks.default().map(|one| one.version.to_string()).as_deref(), Some("1.35.5"));
    let plans: Vec<Plan> = aks.versions.iter().map(|one| one.plan).collect();
    use Plan::{Extended, Preview, Standard};
    assert_eq!(plans, [Preview, Standard, Standard, Standard, Standard, Extended]);
    let upgrades: Vec<String> = aks.versions[4].upgrades.iter().map(ToString::to_string).collect();
    assert_eq!(upgrades, ["1.35.4", "1.35.5"]);
    assert_eq!(aks.highest(), Some(minor("1.36")));
    assert_eq!(aks.ends(minor("1.36")), None, "it tells no days");
}

#[test]
fn gke_tells_versions_by_channel() {
    let gke = offered(Provider::Gke, GKE).unwrap();
    let told: Vec<String> = gke
        .versions
        .iter()
        .map(|one| format!("{} {:?} {:?}", one.version, one.plan, one.channels.iter().collect::<Vec<_>>()))
        .collect();
    assert_eq!(
        told,
        [
            r#"1.37.0-gke.1102000 Preview ["RAPID"]"#,
            r#"1.36.3-gke.1640000 Standard ["EXTENDED", "RAPID", "REGULAR", "none"]"#,
            r#"1.35.7-gke.1222000 Standard ["EXTENDED", "REGULAR", "STABLE", "none"]"#,
            r#"1.34.9-gke.1655001 Standard ["EXTENDED", "STABLE", "none"]"#,
            r#"1.31.14-gke.2613000 Extended ["EXTENDED"]"#,
        ]
    );
    assert_eq!(gke.default().map(|one| one.version.to_string()).as_deref(), Some("1.35.7-gke.1222000"));
    assert!(gke.versions[2].default_of.contains("STABLE") && gke.versions[1].target_of.contains("REGULAR"));
    assert_eq!(gke.nodes.len(), 3);
}

#[test]
fn a_channel_has_its_own_versions() {
    let gke = offered(Provider::Gke, GKE).unwrap();
    let told = |offered: &Offered, channel: &str| {
        let found = offered.of_channel(channel)?;
        Ok::<Vec<String>, String>(found.iter().map(|one| one.version.minor().to_string()).collect())
    };
    assert_eq!(told(&gke, "gke-stable").unwrap(), ["1.35", "1.34"]);
    assert_eq!(told(&gke, "gke-rapid").unwrap(), ["1.37", "1.36"], "whoever follows it wants to try it");
    assert_eq!(told(&gke, "gke").unwrap(), ["1.36", "1.35", "1.34", "1.31"]);
    let none = told(&gke, "gke-fast").unwrap_err();
    assert_eq!(
        none,
        "GKE has no channel `gke-fast`; it has gke-extended, gke-none, gke-rapid, gke-regular, gke-stable"
    );
    let marker = |text: &str| channel(&format!("stable-{text}"), format!("v{text}.3").as_bytes()).unwrap();
    let project = Offered::upstream(["1.36", "1.35", "1.34"].map(marker).into(), Vec::new());
    assert_eq!(told(&project, "stable-1.35").unwrap(), ["1.35", "1.34"]);
    assert!(told(&project, "stable-x").is_err());
}

#[test]
fn an_answer_of_another_kind_is_none() {
    for (provider, text, why) in [
        (Provider::Eks, "", "nothing came"),
        (Provider::Eks, "<html>", "a web page came instead of JSON"),
        (Provider::Eks, "{\"clusterVersions\":[{", "it ends in the middle"),
        (Provider::Eks, "{}", "it has no list `clusterVersions`"),
        (Provider::Eks, "[]", "it is a list, expected `clusterVersions`"),
        (Provider::Eks, r#"{"clusterVersions":[]}"#, "there is no version in it"),
        (Provider::Aks, r#"{"orchestrators":[]}"#, "it has no list `values`"),
        (
            Provider::Aks,
            r#"{"values":[{"version":"x"}]}"#,
            "there is no version in it: a `version` `x` is no version of Kubernetes",
        ),
        (Provider::Gke, r#"{"channels":[]}"#, "it has no list `validMasterVersions`"),
        (Provider::Upstream, "{}", "the versions of Kubernetes itself are in no file"),
    ] {
        assert_eq!(said(provider, text), why, "{text}");
    }
    let crossed = said(Provider::Eks, std::str::from_utf8(GKE).unwrap());
    assert_eq!(crossed, "it has no list `clusterVersions`");
}

#[test]
fn add_ons_go_with_minors() {
    let eks = addons(Provider::Eks, EKS_ADDONS).unwrap();
    let cni = eks.get("vpc-cni").unwrap();
    let version = |one: Option<&AddonVersion>| one.map(|one| one.version.clone());
    assert_eq!(version(cni.newest_of(minor("1.34"))).as_deref(), Some("v1.21.1-eksbuild.10"));
    assert_eq!(version(cni.default_of(minor("1.34"))).as_deref(), Some("v1.21.1-eksbuild.3"));
    assert_eq!(cni.of_minor(minor("1.36")).count(), 1);
    assert_eq!(version(cni.newest_of(minor("1.20"))), None);
    let mesh = addons(Provider::Aks, AKS_MESH).unwrap();
    let fits: Vec<&str> = mesh.all[0].of_minor(minor("1.36")).map(|one| one.version.as_str()).collect();
    assert_eq!((mesh.all[0].name.as_str(), fits), ("istio", vec!["asm-1-29"]));
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    assert!(mesh.stale(now, 14).is_some_and(|words| words.contains("`az aks mesh get-revisions")));
    assert!(addons(Provider::Eks, AKS_MESH).is_err() && addons(Provider::Gke, b"{}").is_err());
}

#[test]
fn the_way_has_every_minor_and_says_which_are_gone() {
    let eks = offered(Provider::Eks, EKS).unwrap();
    let told = |from: &str, to: &str| way(&from.parse().unwrap(), minor(to), &eks).map(|way| way.words());
    assert_eq!(told("v1.33.9-eks-1", "1.36").as_deref(), Ok("v1.33.9-eks-1 -> 1.34 -> 1.35 -> 1.36"));
    assert_eq!(
        told("1.30", "1.33").as_deref(),
        Ok("1.30 -> 1.31 -> 1.32 -> 1.33; EKS does not offer 1.31, 1.32")
    );
    assert_eq!(told("1.36.1", "1.36").as_deref(), Ok("1.36.1 is there"));
    assert_eq!(told("1.36", "1.37").as_deref(), Ok("1.36 -> 1.37; EKS does not offer 1.37"));
    for (from, to) in [("1.36", "1.35"), ("1.36", "2.0"), ("1.1", "1.4294967295")] {
        assert!(told(from, to).is_err(), "{from} {to}");
    }
    let aks = offered(Provider::Aks, AKS).unwrap();
    let from: KubeVersion = "1.34.8".parse().unwrap();
    assert_eq!(
        way(&from, minor("1.37"), &aks).unwrap().words(),
        "1.34.8 -> 1.35.5 -> 1.36.2 -> 1.37; AKS does not offer 1.37"
    );
}

#[test]
fn the_first_wave_must_start_in_time_for_all_hops() {
    let eks = offered(Provider::Eks, EKS).unwrap();
    let today = date(2026, 10, 22);
    let standing = eks.of_minor(minor("1.34")).next().unwrap().standing(today);
    let waves = Estimate {
        waves: vec![Duration::hours(6), Duration::hours(48), Duration::hours(66)],
        hops: 1,
        margin: 7,
    };
    let way = way(&"v1.34.6-eks-1".parse().unwrap(), minor("1.36"), &eks).unwrap();
    let (_, words) = way.countdown(&standing, today, &waves).unwrap();
    assert_eq!(
        words,
        "to upgrade before EKS 1.34 leaves standard support on 2026-12-02 the first wave must start by \
         2026-11-15, in 24 days (2 hops, about 10 days and 7 days to spare)"
    );
    let today = date(2027, 12, 1);
    let standing = eks.of_minor(minor("1.34")).next().unwrap().standing(today);
    let (_, words) = way.countdown(&standing, today, &waves).unwrap();
    assert!(
        words.starts_with("EKS 1.34 leaves extended support on 2027-12-02, and it is too late"),
        "{words}"
    );
    let over = eks.of_minor(minor("1.30")).next().unwrap().standing(today);
    assert!(way.countdown(&over, today, &waves).is_none());
}

#[test]
fn an_answer_that_was_written_down_long_ago_is_told_as_such() {
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let told = |recorded: &str| {
        let text = format!(r#"{{"recordedAt":{recorded},"clusterVersions":[{{"clusterVersion":"1.36"}}]}}"#);
        offered(Provider::Eks, text.as_bytes()).unwrap().stale(now, 14)
    };
    assert_eq!(told("\"2026-11-08\""), None);
    assert_eq!(told("\"2026-11-22T11:00:00Z\""), None);
    assert_eq!(
        told("\"2026-11-07T23:00:00Z\"").as_deref(),
        Some(
            "`eks.json` is 15 days old, more than 14; `aws eks describe-cluster-versions --include-all --output json` writes it anew"
        )
    );
    assert!(told("\"2027-01-01\"").is_some_and(|words| words.contains("which is to come")));
    assert!(
        told("\"yesterday\"")
            .is_some_and(|words| words.starts_with("nobody says when `eks.json` was written"))
    );
}

#[test]
fn a_file_of_ones_own_counts_before_the_provider_and_that_before_the_data_set() {
    let full = include_bytes!("../../../../tests/upstream/fixtures/endoflife/full.json");
    let products = dataset::whole(full).unwrap().products;
    let told = r#"{"clusterVersions":[{"clusterVersion":"1.34","endOfStandardSupportDate":"2026-12-24"}]}"#;
    let eks = offered(Provider::Eks, told.as_bytes()).unwrap();
    let (version, today) = ("v1.34.6-eks-1".parse().unwrap(), date(2026, 11, 22));
    let ends = |known: &Known, offered: Option<&Offered>| {
        let window = window(Provider::Eks, &version, offered, known, today);
        window.standing().and_then(|standing| standing.life)
    };
    let known = Known::new(products.clone(), None);
    assert_eq!(ends(&known, None), Some(date(2026, 12, 2)));
    assert_eq!(ends(&known, Some(&eks)), Some(date(2026, 12, 24)));
    assert_eq!(ends(&Known::default(), Some(&eks)), Some(date(2026, 12, 24)));
    let own = "products: [{ name: eks, cycles: [{ cycle: '1.34', ends: 2027-01-31, source: x }] }]";
    let own: Support = yaml::load(&Source::new("support.yaml", own)).unwrap().unwrap();
    assert_eq!(ends(&Known::new(products, Some(&own)), Some(&eks)), Some(date(2027, 1, 31)));
}

#[test]
fn channels_name_their_provider() {
    for (channel, provider) in [
        ("stable", Some(Provider::Upstream)),
        ("stable-1.36", Some(Provider::Upstream)),
        ("latest", Some(Provider::Upstream)),
        ("eks", Some(Provider::Eks)),
        ("gke-regular", Some(Provider::Gke)),
        ("openshift", None),
        ("", None),
    ] {
        assert_eq!(Provider::of_channel(channel), provider, "{channel}");
    }
}
