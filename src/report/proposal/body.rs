//! What people read who have to decide whether a bump is taken in: what it changes, what is new in what it
//! takes in, what that may break, until when either version is supported, and how to go on.

use std::collections::BTreeSet;

use super::neutral::{cell, code, link, text};
use super::section::{Section, fitting};
use crate::diag::count;
use crate::lcm::bump::{Edit, Left, Moving};
use crate::lcm::changes::Changes;
use crate::lcm::remote::Home;
use crate::lcm::version::Level;
use crate::model::ProductName;
use crate::model::image::Image;
use crate::report::weekly::Thing;
use crate::report::weekly::security::{Change, Found, Security};
use crate::version::Version;

/// The most characters of a text: GitHub takes 65,536, and some are kept for whoever adds a word.
const LONGEST: usize = 60_000;

/// The most characters of a title: GitLab takes 255.
const LONGEST_TITLE: usize = 200;

/// What was left as it is, of which so many are listed.
const MOST_LEFT: usize = 20;

/// A bump, as far as it is told.
pub struct Bumping<'a> {
    /// The product.
    pub product: &'a ProductName,
    /// Who owns it.
    pub owner: &'a str,
    /// What moves.
    pub source: &'a Moving,
    /// From where.
    pub from: &'a str,
    /// To where.
    pub to: &'a str,
    /// How far that is.
    pub level: Option<Level>,
    /// The product's version before, and now.
    pub version: (&'a Version, &'a Version),
    /// What changes.
    pub edits: &'a [Edit],
    /// The files that change.
    pub files: Vec<&'a str>,
    /// What is left as it is.
    pub left: &'a [Left],
    /// How many more mentions there are.
    pub unlisted: usize,
}

/// What was found out about the step. What is not known is not told, or said to be unknown.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What changed upstream.
    pub changes: Option<Changes>,
    /// What the report says of it.
    pub thing: Option<Thing>,
    /// Until when the two versions are supported: each with a sentence.
    pub support: Vec<(String, String)>,
    /// What is known of the fleet's versions of Kubernetes.
    pub kubernetes: Vec<String>,
    /// What the new version names now, and where that is known from.
    pub digest: Option<String>,
    /// Where it runs.
    pub uses: Uses,
    /// Who gave no answer, and why.
    pub silent: Vec<String>,
}

/// Where a product's thing runs.
#[derive(Debug, Default)]
pub struct Uses {
    /// The clusters of the fleet; none if that is not known.
    pub clusters: Option<usize>,
}

/// The title.
pub fn title(bumping: &Bumping<'_>) -> String {
    let Bumping { product, source, from, to, .. } = bumping;
    let title = match from == to {
        true => format!("{product}: {source} {to}, by its new digest"),
        false => format!("{product}: {source} {from} -> {to}"),
    };
    title.chars().take(LONGEST_TITLE).collect()
}

/// The whole text.
pub fn body(bumping: &Bumping<'_>, evidence: &Evidence, home: &Home, branch: &str) -> String {
    let sections = [
        files(bumping),
        breaking(evidence, home),
        changes(evidence, home),
        support(evidence),
        kubernetes(evidence),
        digest(bumping, evidence),
        vulnerabilities(bumping, evidence),
        report(evidence),
        left(bumping),
        silent(evidence),
    ];
    fitting(&head(bumping, evidence), &sections, &foot(bumping, branch), LONGEST)
}

fn head(bumping: &Bumping<'_>, evidence: &Evidence) -> String {
    let Bumping { product, owner, source, from, to, level, version: (before, now), .. } = bumping;
    let level = level.map_or_else(
        || "how far that is can't be said".to_owned(),
        |level| format!("a {} step", level.word()),
    );
    let step = match from == to {
        true => format!(
            "{} stays at {} and gets the digest that this names now",
            code(&source.to_string()),
            code(to)
        ),
        false => format!("{} goes from {} to {}, {level}", code(&source.to_string()), code(from), code(to)),
    };
    let warning = match evidence.changes.as_ref().and_then(|changes| changes.breaking) {
        Some(weight) => format!("\n**It may break something** ({}): see below.\n", weight.word()),
        None => String::new(),
    };
    format!(
        "{step}. Product {} of {} goes from {before} to {now}.\n{warning}",
        code(product.as_str()),
        code(owner)
    )
}

fn files(bumping: &Bumping<'_>) -> Section {
    let mut section = Section::new("Files");
    section.push("| File | Field | Before | After |\n| --- | --- | --- | --- |");
    for edit in bumping.edits {
        let place = format!("{}:{}", edit.place.file(), edit.place.line());
        let field = if edit.field.is_empty() { "-".to_owned() } else { cell(&edit.field) };
        section.push(format!("| {} | {field} | {} | {} |", cell(&place), cell(&edit.old), cell(&edit.new)));
    }
    let edited = |file: &&&str| bumping.edits.iter().any(|edit| edit.place.file() == **file);
    for file in bumping.files.iter().filter(|file| !edited(file)) {
        section.push(format!("| {} | - | - | a new entry |", cell(file)));
    }
    section
}

fn breaking(evidence: &Evidence, home: &Home) -> Section {
    let mut section = Section::new("What may break");
    for sign in evidence.changes.iter().flat_map(|changes| &changes.evidence) {
        if !sign.sign.is_of_a_break() {
            continue;
        }
        let version =
            sign.version.as_deref().map(|version| format!(" {}", code(version))).unwrap_or_default();
        let links = links(&sign.links, home);
        section.push(format!("- {}{version}: {}{links}", sign.weight.word(), text(&sign.text)));
    }
    section
}

fn changes(evidence: &Evidence, home: &Home) -> Section {
    let mut section = Section::new("What changed");
    let Some(changes) = &evidence.changes else {
        section.push("Nobody told what changed.");
        return section;
    };
    for change in &changes.changes {
        let links = links(&change.links, home);
        let text = text(&change.text);
        section.push(format!("- {} **{}** {text}{links}", code(&change.version), change.kind.word()));
    }
    if changes.changes.is_empty() {
        section.push("Nobody told what changed.");
    }
    section.leave_out(changes.cut);
    for note in &changes.notes {
        section.push(format!("- Not known: {}", text(note)));
    }
    section
}

fn links(links: &[crate::lcm::artifacthub::Link], home: &Home) -> String {
    let links: Vec<String> = links.iter().map(|one| link(one, home)).collect();
    if links.is_empty() { String::new() } else { format!(" ({})", links.join(", ")) }
}

fn support(evidence: &Evidence) -> Section {
    let mut section = Section::new("Support");
    for (version, words) in &evidence.support {
        section.push(format!("- {}: {}", code(version), text(words)));
    }
    section
}

fn kubernetes(evidence: &Evidence) -> Section {
    let mut section = Section::new("Kubernetes");
    for line in &evidence.kubernetes {
        section.push(format!("- {}", text(line)));
    }
    section
}

fn digest(bumping: &Bumping<'_>, evidence: &Evidence) -> Section {
    let mut section = Section::new("Digest");
    if let Some(digest) = &evidence.digest {
        let (source, to) = (bumping.source.to_string(), bumping.to);
        section.push(format!("{} names {}", code(&format!("{source}:{to}")), code(digest)));
    }
    section
}

/// What of the vulnerabilities the new version mends and brings, if scanners looked at it.
fn vulnerabilities(bumping: &Bumping<'_>, evidence: &Evidence) -> Section {
    let mut section = Section::new("Vulnerabilities");
    let known = evidence.thing.as_ref().and_then(|thing| thing.security.as_ref());
    let lines = known.map(|known| vulnerabilities_of(bumping.to, known)).unwrap_or_default();
    section.leave_out(lines.len().saturating_sub(MOST_LEFT));
    lines.into_iter().take(MOST_LEFT).for_each(|line| section.push(line));
    section
}

/// Lines about what this version mends and brings; none if another one was looked at.
pub(super) fn vulnerabilities_of(to: &str, known: &Security) -> Vec<String> {
    let update = known.update.as_ref().filter(|update| tag(&update.to).as_deref() == Some(to));
    let Some(update) = update else { return Vec::new() };
    let (fixed, new, stays) = (update.fixed.total(), update.new.total(), update.remaining.total());
    let mut lines = vec![format!("- It mends {fixed}, brings {new} and leaves {stays}")];
    let parts = [("mends", Change::Fixed), ("brings", Change::New), ("leaves", Change::Remaining)];
    lines.extend(parts.into_iter().filter_map(|(verb, change)| accepted(verb, change, known)));
    let open = known.findings.iter().filter(|found| found.acceptance.is_none());
    lines.extend(open.filter_map(|found| {
        let word = match found.change {
            Change::New => "new",
            Change::Fixed => "mended",
            Change::Remaining | Change::Unknown => return None,
        };
        Some(format!("- {word}: {}", text(&found.words())))
    }));
    lines
}

/// What of it people live with: it is in none of the counts.
fn accepted(verb: &str, change: Change, known: &Security) -> Option<String> {
    let of = |found: &&Found| found.change == change;
    let ids: Vec<&str> = known
        .findings
        .iter()
        .filter(of)
        .filter_map(|found| Some(found.acceptance.as_ref()?.as_str()))
        .collect();
    let is = if ids.len() == 1 { "is" } else { "are" };
    // Not all are named.
    let least = if known.left_out > 0 { "at least " } else { "" };
    let by: Vec<String> = ids.iter().collect::<BTreeSet<_>>().into_iter().map(|id| text(id)).collect();
    (!ids.is_empty())
        .then(|| format!("- {least}{} of what it {verb} {is} accepted ({})", ids.len(), by.join(", ")))
}

/// The tag of an image.
fn tag(image: &str) -> Option<String> {
    image.parse::<Image>().ok()?.tag
}

/// What the report of the week says of it.
fn report(evidence: &Evidence) -> Section {
    let mut section = Section::new("What the report knows");
    let Some(thing) = &evidence.thing else { return section };
    for line in &thing.statuses {
        section.push(format!("- {}: {}", line.status, text(&line.message)));
    }
    if let Some(newest) = &thing.latest {
        let on = thing.published.map(|at| format!(", published on {}", at.strftime("%Y-%m-%d")));
        section.push(format!("- The newest is {}{}", code(newest), on.unwrap_or_default()));
    }
    for running in &thing.running {
        let clusters = count(running.clusters.len(), "cluster");
        let verb = if running.clusters.len() == 1 { "runs" } else { "run" };
        section.push(format!("- {clusters} {verb} {}", code(&running.version)));
    }
    if let Some(clusters) = evidence.uses.clusters {
        section.push(format!("- The fleet has {}", count(clusters, "cluster")));
    }
    section
}

fn left(bumping: &Bumping<'_>) -> Section {
    let mut section = Section::new("Left as it is");
    for left in bumping.left.iter().take(MOST_LEFT) {
        let place = format!("{}:{}", left.place.file(), left.place.line());
        section.push(format!("- {} {}: {}", code(&place), code(&left.text), left.because));
    }
    section.leave_out(bumping.left.len().saturating_sub(MOST_LEFT) + bumping.unlisted);
    section
}

fn silent(evidence: &Evidence) -> Section {
    let mut section = Section::new("Who gave no answer");
    for line in &evidence.silent {
        section.push(format!("- {}", text(line)));
    }
    section
}

fn foot(bumping: &Bumping<'_>, branch: &str) -> String {
    let product = bumping.product;
    format!(
        "\n### How to go on\n\n```sh\ngit fetch origin {branch} && git switch --detach FETCH_HEAD\ntidegate check\n```\n\n\
         When it is taken in: `tidegate product tag {product}`, name {product} {} in a release, `tidegate release cut`, \
         and `tidegate plan` says what that changes in which clusters.\n",
        bumping.version.1
    )
}
