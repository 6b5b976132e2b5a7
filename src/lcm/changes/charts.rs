//! What an index says of the versions of a chart between two of them: the annotations that its makers write
//! for Artifact Hub (artifacthub.io/docs/topics/annotations/helm), levels, and what it can be installed on.

use super::category::Category;
use super::change::{Evidence, Kind, Sign, Weight};
use super::found::{Found, Told};
use super::level::{self, Whose};
use super::marker::{self, Marked};
use super::plain;
use super::reach::{Reach, Unreached};
use crate::lcm::artifacthub::{self, Link};
use crate::lcm::charts::Entry;
use crate::lcm::version::Scheme;

/// So many versions are read, the newest first.
const MOST: usize = 1_000;

/// What changed in the versions of a chart above the one in use, up to the newer one. If a repository lists
/// the one in use, what other repositories list is another chart.
///
/// # Errors
/// When an end is no version.
pub fn between(current: &str, newest: &str, entries: &[Entry]) -> Result<Found, Unreached> {
    let span = Reach { current, newest, scheme: &Scheme::Helm, name: None }.alone()?;
    let own = own(current, entries);
    let mut wanted: Vec<&Entry> =
        own.iter().copied().filter(|entry| span.holds_version(&entry.version)).collect();
    wanted.sort_by(|one, other| {
        span.newest_first(&one.version, &other.version).then_with(|| one.digest.cmp(&other.digest))
    });
    wanted.dedup_by(|one, other| one.version == other.version);
    let mut found = level::step(Whose::Chart, current, newest);
    found.cut += wanted.len().saturating_sub(MOST);
    wanted.iter().take(MOST).for_each(|entry| version(entry, &mut found));
    let at = |version: &str| own.iter().copied().find(|entry| entry.version == version);
    if let Some(entry) = at(newest) {
        ends(at(current), entry, &mut found);
    }
    Ok(found)
}

/// The entries of the chart that is in use.
fn own<'e>(current: &str, entries: &'e [Entry]) -> Vec<&'e Entry> {
    let homes: Vec<&Option<String>> =
        entries.iter().filter(|entry| entry.version == current).map(|entry| &entry.repo).collect();
    entries.iter().filter(|entry| homes.is_empty() || homes.contains(&&entry.repo)).collect()
}

/// What the annotations of a version tell.
fn version(entry: &Entry, found: &mut Found) {
    let told = artifacthub::told(&entry.annotations);
    let home = || entry.home.as_deref().or(entry.sources.first().map(String::as_str));
    let fallback: Vec<Link> = home().and_then(|home| plain::link(&entry.version, home)).into_iter().collect();
    found
        .notes
        .extend(told.notes.iter().take(3).map(|note| plain::line(&format!("{}: {note}", entry.version))));
    for change in &told.changes {
        let marked = Marked::of(&change.description);
        let (kind, weight) = match (marked.breaks, change.kind.map(Kind::from)) {
            (None, Some(kind)) => (kind, marker::weight(kind)),
            _ => marked.kind(Category::Open),
        };
        let own: Vec<Link> =
            change.links.iter().filter_map(|link| plain::link(&link.name, &link.url)).collect();
        let links = if own.is_empty() { fallback.clone() } else { own };
        found.tell(Told { version: &entry.version, kind, text: marked.text, links, weight });
    }
    if told.security_updates {
        found.security = true;
        let text = format!("{} contains security updates", plain::line(&entry.version));
        found.prove(evidence(Sign::Security, entry, text, &fallback));
    }
}

fn evidence(sign: Sign, entry: &Entry, text: String, links: &[Link]) -> Evidence {
    let version = Some(plain::line(&entry.version));
    Evidence { weight: Weight::Hint, sign, version, text, links: links.to_vec() }
}

/// What is different between both ends beside what is told.
fn ends(current: Option<&Entry>, newest: &Entry, found: &mut Found) {
    if newest.is_marked_prerelease() {
        let text = "its makers call it a prerelease".to_owned();
        found.prove(evidence(Sign::Chart, newest, text, &[]));
    }
    if newest.deprecated && !current.is_some_and(|current| current.deprecated) {
        let text = "its makers have given the chart up".to_owned();
        found.prove(evidence(Sign::Chart, newest, text, &[]));
    }
    let Some(current) = current else { return };
    if let (Some(now), Some(next)) = (&current.app_version, &newest.app_version) {
        found.evidence.extend(level::step(Whose::App, now, next).evidence);
    }
    if let Some(next) = newest.kube_version.as_deref().filter(|_| current.kube_version != newest.kube_version)
    {
        let now = current.kube_version.as_deref().unwrap_or("any");
        let text = plain::line(&format!("it asks for Kubernetes {next}, and asked for {now}"));
        found.prove(evidence(Sign::Chart, newest, text, &[]));
    }
}

#[cfg(test)]
#[path = "charts_tests.rs"]
mod tests;
