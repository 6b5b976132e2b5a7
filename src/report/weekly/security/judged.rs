//! What is known of one row's images, judged: of several that are in use the worst is told.

use std::cmp::Reverse;

use super::{Change, Found, NAMED, Need, Pair, Security, Update};
use crate::model::{AcceptanceId, ProductName};
use crate::scan::vulnerabilities::accepted::{Place, Register};
use crate::scan::vulnerabilities::delta::{self, Delta, Rules};
use crate::scan::vulnerabilities::kev::Entry;
use crate::scan::vulnerabilities::looked::Compared;
use crate::scan::vulnerabilities::{Counts, Exploited, Looked, Report, Severity, Vulnerability};

/// What is known of a row's images, and whether it is nothing because every source failed.
pub(super) fn of(pair: &Pair, looked: &Looked, register: &mut Register<'_>) -> Option<(Security, bool)> {
    let candidate = pair.candidate.as_ref().map(ToString::to_string);
    let product: Option<ProductName> = pair.product.parse().ok();
    let place = Place { product: product.as_ref(), image: &pair.repository };
    let is_known = pair.images().all(|image| looked.is_answered(&image.to_string()))
        && pair.in_use.iter().all(|image| looked.is_reported(&image.to_string()));
    if !is_known {
        register.doubt(place);
    }
    let mut judged: Vec<(Security, bool)> = Vec::new();
    for image in &pair.in_use {
        let image = image.to_string();
        let same = candidate
            .as_deref()
            .is_some_and(|to| looked.digest(to).is_some() && looked.digest(to) == looked.digest(&image));
        let to = candidate.as_deref().filter(|_| !same);
        let compared = looked.compare(&image, to, &Rules::default());
        let failed = compared.failed;
        judged.push((security(&image, to, &compared, looked, place, register), failed));
    }
    let unknown: Vec<String> = judged
        .iter()
        .filter_map(|(one, _)| Some(format!("{}: {}", one.image, one.unknown.as_deref()?)))
        .collect();
    let (mut worst, failed) = judged.into_iter().max_by_key(|(one, _)| weight(one))?;
    // The worst of those that are known hides nothing of the others.
    if worst.unknown.is_none() {
        worst.notes.extend(unknown.into_iter().map(|why| format!("not known of {why}")));
    }
    Some((worst, failed))
}

/// What is known weighs more than what is not, and what asks something of people more than what does not; of
/// several alike the first.
fn weight(one: &Security) -> (bool, Reverse<Need>, usize, [usize; 4], Reverse<String>) {
    let counts = one.open.unwrap_or_default();
    let open = [counts.critical, counts.high, counts.medium, counts.low];
    (one.open.is_some(), Reverse(one.need()), one.exploited, open, Reverse(one.image.clone()))
}

fn security(
    image: &str,
    to: Option<&str>,
    compared: &Compared<'_>,
    looked: &Looked,
    place: Place<'_>,
    register: &mut Register<'_>,
) -> Security {
    let mut known = Security { image: image.to_owned(), digest: looked.digest(image), ..Security::default() };
    let Some((told, report)) = compared.told.and_then(|told| Some((told, told.report.as_ref()?))) else {
        known.unknown = compared.comparison.running.as_ref().err().cloned();
        return known;
    };
    known.source = Some(told.source.clone());
    known.scanner = Some(report.tool.to_string());
    known.scanned = report.knows_until();
    known.notes.extend(told.caveat.clone());
    let mut found = Vec::new();
    match (&compared.comparison.delta, to) {
        (Ok(delta), Some(to)) => {
            known.notes.extend(delta.doubts.iter().map(ToString::to_string));
            found = of_delta(delta, place, register);
            known.update = Some(update(to, &found, delta.unsettled.len()));
        }
        (delta, to) => {
            known.incomparable = to.and(delta.as_ref().err()).map(ToString::to_string);
            found.extend(alone(report, looked, place, register));
        }
    }
    found.sort_by(|one, other| order(one).cmp(&order(other)));
    // Before the last ones are left out: what is needed counts wherever it stands.
    known.need = found.iter().filter(|one| one.is_open()).map(Found::need).min();
    let open = || found.iter().filter(|one| one.is_open());
    known.open = Some(open().map(|one| one.severity).collect());
    known.exploited = open().filter(|one| one.is_exploited()).count();
    known.fixable = open().filter(|one| one.is_mendable()).count();
    known.accepted = found.iter().filter(|one| one.acceptance.is_some() && one.change != Change::New).count();
    known.left_out = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    known.findings = found;
    known
}

/// What is open comes first, then what asks most of people, then what is exploited, then the worst.
fn order(one: &Found) -> (bool, Need, bool, Reverse<Severity>, &str) {
    (!one.is_open(), one.need(), !one.is_exploited(), Reverse(one.severity), one.id.as_str())
}

fn alone(report: &Report, looked: &Looked, place: Place<'_>, register: &mut Register<'_>) -> Vec<Found> {
    let all = delta::alone(report, looked.exploited.as_ref());
    all.iter().map(|one| found(one, Change::Unknown, place, register)).collect()
}

fn of_delta(delta: &Delta, place: Place<'_>, register: &mut Register<'_>) -> Vec<Found> {
    let unsettled = delta.unsettled.iter().map(|(one, _)| {
        // What only the candidate is known to have comes with it, as far as anybody knows.
        (one, if one.running.is_empty() { Change::New } else { Change::Unknown })
    });
    let all = delta.fixed.iter().map(|one| (one, Change::Fixed));
    let all = all.chain(delta.new.iter().map(|one| (one, Change::New)));
    let all = all.chain(delta.remaining.iter().map(|one| (one, Change::Remaining)));
    all.chain(unsettled).map(|(one, change)| found(one, change, place, register)).collect()
}

fn found(one: &delta::Change, change: Change, place: Place<'_>, register: &mut Register<'_>) -> Found {
    let own: &[Vulnerability] = if change == Change::New { &one.candidate } else { &one.running };
    // Every package must be covered: the acceptance of one says nothing of the others.
    let covering: Vec<Option<&AcceptanceId>> = own.iter().map(|one| register.covering(place, one)).collect();
    let acceptance =
        covering.iter().all(Option::is_some).then(|| covering.first().copied().flatten()).flatten();
    let with_version = |one: &Vulnerability| {
        let package = one.package.as_ref()?;
        Some(match &one.installed {
            Some(version) => format!("{package} {version}"),
            None => package.to_string(),
        })
    };
    let mut packages: Vec<String> = own.iter().filter_map(with_version).collect();
    packages.sort();
    packages.dedup();
    let mut fixed_in: Vec<String> = own.iter().flat_map(|one| one.fixed.iter().cloned()).collect();
    fixed_in.sort();
    fixed_in.dedup();
    let (exploited, entry) = match one.exploited {
        Exploited::Unknown => (None, Entry::default()),
        Exploited::No => (Some(false), Entry::default()),
        Exploited::Yes(entry) => (Some(true), entry),
    };
    Found {
        id: one.id.clone(),
        severity: one.severity,
        exploited,
        due: entry.due,
        ransomware: entry.ransomware,
        packages,
        fixed_in,
        fixable: own.iter().all(Vulnerability::is_fixable),
        change,
        acceptance: acceptance.cloned(),
        link: own.iter().find_map(|one| one.link.clone()),
    }
}

fn update(to: &str, found: &[Found], unsettled: usize) -> Update {
    let of = |change: Change| -> Counts {
        let all = found.iter().filter(|one| one.change == change && one.acceptance.is_none());
        all.map(|one| one.severity).collect()
    };
    Update {
        to: to.to_owned(),
        fixed: of(Change::Fixed),
        new: of(Change::New),
        remaining: of(Change::Remaining),
        unsettled,
    }
}
