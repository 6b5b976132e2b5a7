//! What the report makes of what scanners found.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::super::{Fleet, of};
use super::*;
use crate::lcm::declared::{Declared, Item};
use crate::lcm::row::{InUse, Row, Running, Status};
use crate::lcm::version::Level;
use crate::scan::vulnerabilities::kev::Kev;
use crate::scan::vulnerabilities::{Named, Package, Report, Told, Tool, Vulnerability};

const IMAGE: &str = "quay.io/acme/shop";

fn now() -> Timestamp {
    "2026-11-22T20:00:00Z".parse().unwrap()
}

fn digest(letter: char) -> Digest {
    format!("sha256:{}", letter.to_string().repeat(64)).parse().unwrap()
}

fn found(id: &str, severity: Severity, fix: Option<&str>) -> Vulnerability {
    let mut one = Vulnerability::new(id.parse().unwrap());
    (one.severity, one.package) = (severity, Package::named("openssl"));
    one.installed = Some("3.0.1".to_owned());
    one.fixed.extend(fix.map(str::to_owned));
    one
}

fn told(found: &[Vulnerability]) -> Vec<Told> {
    let report = Report {
        tool: Tool::new("Trivy", "0.60.0"),
        about: Default::default(),
        made: "2026-11-20T00:00:00Z".parse().ok(),
        database: None,
        distribution: None,
        vulnerabilities: found.to_vec(),
        set_aside: Vec::new(),
    };
    vec![Told {
        source: "files scans".to_owned(),
        report: Some(report),
        why: None,
        failed: false,
        caveat: None,
    }]
}

/// What was found in the version that is in use, 1.0.0, and in 1.1.0.
fn looked(now: &[Vulnerability], then: &[Vulnerability]) -> Looked {
    let named = |letter| Named { digest: Some(digest(letter)), why: None };
    Looked {
        sources: vec!["files scans".to_owned()],
        images: BTreeMap::from([
            (format!("{IMAGE}:1.0.0"), named('a')),
            (format!("{IMAGE}:1.1.0"), named('b')),
        ]),
        told: BTreeMap::from([(digest('a'), told(now)), (digest('b'), told(then))]),
        partial: Vec::new(),
        exploited: None,
        exploits_silent: None,
    }
}

fn row(status: Status, newest: &str) -> Row {
    Row {
        product: "shop".to_owned(),
        owner: "shop".to_owned(),
        item: Item::Image(IMAGE.parse().unwrap()),
        declared: vec!["1.0.0".to_owned()],
        released: Vec::new(),
        running: Vec::new(),
        newest: Some(newest.to_owned()),
        levels: BTreeMap::new(),
        steps: None,
        since: None,
        published: None,
        statuses: vec![status],
        place: "products/shop/product.yaml:1:1".to_owned(),
        notes: Vec::new(),
        stops: Vec::new(),
        judged: Some("1.0.0".to_owned()),
        changes: None,
        window: None,
        minor: None,
        deadline: None,
        fits: Vec::new(),
        digests: Default::default(),
        around: Default::default(),
    }
}

fn used() -> InUse {
    let declared = Declared {
        product: "shop".to_owned(),
        owner: "shop".to_owned(),
        item: Item::Image(IMAGE.parse().unwrap()),
        version: Some("1.0.0".to_owned()),
        digest: None,
        place: crate::diag::Place::none(),
    };
    InUse { declared: vec![declared], ..InUse::default() }
}

/// The report of one image that is behind, or the newest.
fn report(is_behind: bool, looked: &Looked, acceptances: &[(AcceptanceId, Acceptance)]) -> Weekly {
    let row = match is_behind {
        true => row(Status::Behind(Level::Minor), "1.1.0"),
        false => row(Status::Same, "1.0.0"),
    };
    let pairs = pairs(std::slice::from_ref(&row), &used());
    let mut report = of(&[row], ["shop"], None, Fleet::default(), &[], now());
    tell(&mut report, &pairs, looked, acceptances.iter().map(|(id, one)| (id, one)), now());
    report
}

fn thing(report: &Weekly) -> &Thing {
    &report.products[0].things[0]
}

fn security(report: &Weekly) -> &Security {
    thing(report).security.as_ref().unwrap()
}

fn accepted(expires: &str) -> Vec<(AcceptanceId, Acceptance)> {
    let text = format!(
        r#"{{"vulnerabilities": ["CVE-2026-1111"], "products": ["shop"], "owner": "shop", "reason": "r", "expires": "{expires}"}}"#
    );
    vec![("RISK-1".parse().unwrap(), serde_json::from_str(&text).unwrap())]
}

#[test]
fn what_an_update_mends_and_brings_is_told_apart() {
    let (gone, stays, new) = (
        found("CVE-2026-1111", Severity::Critical, None),
        found("CVE-2026-2222", Severity::High, Some("3.0.2")),
        found("CVE-2026-3333", Severity::Low, None),
    );
    let report = report(true, &looked(&[gone, stays.clone()], &[stays, new]), &[]);
    let known = security(&report);
    assert_eq!(known.open.unwrap().to_string(), "1 critical, 1 high");
    let update = known.update.as_ref().unwrap();
    let all = [update.fixed.to_string(), update.new.to_string(), update.remaining.to_string()];
    assert_eq!(all, ["1 critical", "1 low", "1 high"]);
    assert_eq!((thing(&report).need, thing(&report).statuses[0].status), (Need::Now, VULNERABLE));
    assert!(thing(&report).statuses[0].message.ends_with("mended by the update"));
    assert_eq!(report.counts, BTreeMap::from([(Need::Now, 1)]));
}

#[test]
fn a_critical_one_that_nobody_can_mend_asks_nothing_and_is_told() {
    let report = report(false, &looked(&[found("CVE-2026-1111", Severity::Critical, None)], &[]), &[]);
    assert_eq!((thing(&report).need, security(&report).open.unwrap().critical), (Need::Nothing, 1));
    assert_eq!(security(&report).fixable, 0);
}

#[test]
fn a_critical_one_with_a_fix_can_not_wait_also_where_there_is_no_update() {
    let report =
        report(false, &looked(&[found("CVE-2026-1111", Severity::Critical, Some("3.0.2"))], &[]), &[]);
    let act = thing(&report).act.as_ref().unwrap();
    assert_eq!((thing(&report).need, act.deed), (Need::Now, Deed::Mend));
    assert!(thing(&report).statuses[0].message.contains("in openssl 3.0.1, fixed in 3.0.2"));
}

#[test]
fn what_is_exploited_asks_for_somebody_whether_it_can_be_mended_or_not() {
    let kev = br#"{"count": 1, "vulnerabilities": [{"cveID": "CVE-2026-1111"}]}"#;
    let need = |fix: Option<&str>| {
        let exploited = Some(Kev::read(kev).unwrap());
        let looked = Looked { exploited, ..looked(&[found("CVE-2026-1111", Severity::Medium, fix)], &[]) };
        let report = report(false, &looked, &[]);
        assert_eq!(security(&report).exploited, 1);
        thing(&report).need
    };
    assert_eq!((need(Some("3.0.2")), need(None)), (Need::Now, Need::Soon));
}

#[test]
fn where_nobody_told_what_is_exploited_what_it_could_change_is_not_known() {
    let exploits_silent = Some("kev: it did not answer".to_owned());
    let told = |severity, fix| {
        let found = found("CVE-2026-1111", severity, fix);
        report(false, &Looked { exploits_silent: exploits_silent.clone(), ..looked(&[found], &[]) }, &[])
    };
    let low = told(Severity::Low, None);
    assert_eq!((thing(&low).need, thing(&low).statuses.last().unwrap().status), (Need::Unknown, "unknown"));
    assert!(thing(&low).statuses.last().unwrap().message.contains("kev: it did not answer"));
    assert_eq!(thing(&told(Severity::Critical, Some("3.0.2"))).need, Need::Now, "it can't get worse");
    let clean = report(false, &Looked { exploits_silent, ..looked(&[], &[]) }, &[]);
    assert_eq!(thing(&clean).need, Need::Nothing);
}

#[test]
fn what_is_accepted_does_not_count_until_its_end() {
    let looked = looked(&[found("CVE-2026-1111", Severity::Critical, Some("3.0.2"))], &[]);
    let holds = report(false, &looked, &accepted("2026-12-15"));
    let known = security(&holds);
    assert_eq!((thing(&holds).need, known.open.unwrap().total(), known.accepted), (Need::Nothing, 0, 1));
    assert_eq!(known.findings[0].acceptance.as_ref().unwrap().as_str(), "RISK-1");
    let ended = report(false, &looked, &accepted("2026-11-20"));
    assert_eq!((thing(&ended).need, security(&ended).accepted), (Need::Now, 0));
    let standing = &ended.security.as_ref().unwrap().acceptances[0];
    assert_eq!((standing.nearness, standing.matches), (Nearness::Ended, 1));
}

#[test]
fn of_several_versions_that_run_the_worst_is_told() {
    let clusters = ["one".parse().unwrap()];
    let mut used = used();
    for version in ["1.0.0", "1.1.0"] {
        let mut declared = used.declared[0].clone();
        declared.version = Some(version.to_owned());
        used.running.push(Running::new(declared, clusters.clone().into()));
    }
    let one = row(Status::Same, "1.1.0");
    let pairs = pairs(std::slice::from_ref(&one), &used);
    assert_eq!((pairs[0].in_use.len(), &pairs[0].candidate), (2, &None));
    let mut report = of(&[one], ["shop"], None, Fleet::default(), &[], now());
    let looked = looked(
        &[found("CVE-2026-2222", Severity::Low, None)],
        &[found("CVE-2026-1111", Severity::High, None)],
    );
    tell(&mut report, &pairs, &looked, [], now());
    assert_eq!(security(&report).image, format!("{IMAGE}:1.1.0"));
}

#[test]
fn where_every_source_failed_nothing_is_known_and_where_nobody_has_looked_that_is_said() {
    let silent = |failed: bool| {
        let mut looked = looked(&[], &[]);
        let why = Some("no answer".to_owned());
        let told = Told { source: "files scans".to_owned(), report: None, why, failed, caveat: None };
        looked.told = BTreeMap::from([(digest('a'), vec![told])]);
        report(false, &looked, &[])
    };
    for (failed, need) in [(true, Need::Unknown), (false, Need::Nothing)] {
        let report = silent(failed);
        assert_eq!((thing(&report).need, security(&report).open), (need, None));
        assert_eq!(security(&report).unknown.as_deref(), Some("files scans: no answer"));
        assert_eq!(report.security.as_ref().unwrap().unknown, 1);
    }
}

#[test]
fn an_acceptance_is_about_nothing_only_if_everybody_answered() {
    let is_idle = |looked: &Looked| {
        let report = report(true, looked, &accepted("2026-12-15"));
        report.security.unwrap().acceptances[0].is_idle()
    };
    let whole = looked(&[], &[]);
    assert!(is_idle(&whole));
    assert!(!is_idle(&Looked { partial: vec!["files scans".to_owned()], ..whole.clone() }));
    let with = |letter, failed| {
        let why = Some("no answer".to_owned());
        let mut looked = whole.clone();
        let told = Told { source: "files scans".to_owned(), report: None, why, failed, caveat: None };
        looked.told.insert(digest(letter), vec![told]);
        looked
    };
    assert!(!is_idle(&with('a', true)) && !is_idle(&with('b', true)), "a source was silent");
    assert!(!is_idle(&with('a', false)), "nobody has looked at what is in use");
    assert!(is_idle(&with('b', false)), "what is new was not looked at yet");
    assert!(!is_idle(&looked(&[found("CVE-2026-1111", Severity::High, None)], &[])));
    let mut narrowed = report(true, &whole, &accepted("2026-12-15"));
    leave_out(&mut narrowed);
    assert!(!narrowed.security.unwrap().acceptances[0].is_idle(), "others were not looked at");
}

#[test]
fn where_nobody_was_asked_the_report_says_nothing_of_it() {
    let report = report(true, &Looked::default(), &accepted("2026-12-15"));
    assert!(report.security.is_none() && thing(&report).security.is_none());
}

#[test]
fn no_more_than_a_hundred_are_named_and_all_are_counted() {
    let many: Vec<Vulnerability> =
        (0..250).map(|n| found(&format!("CVE-2026-{:04}", 1000 + n), Severity::High, None)).collect();
    let report = report(false, &looked(&many, &[]), &[]);
    let known = security(&report);
    assert_eq!((known.findings.len(), known.left_out, known.open.unwrap().high), (100, 150, 250));
}
