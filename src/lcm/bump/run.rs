//! The bump itself: look, decide, edit, raise, write the changelog, and look again.

use std::collections::BTreeMap;
use std::ops::Range;

use super::drafts::{Target, Use, takes};
use super::edits::{self, Change};
use super::files::{self, View};
use super::mention::Mentions;
use super::raise::{self, Step};
use super::types::{Bump, Digests, Edit, Left, Moving, Part, Reason, Request};
use super::{changelog, chart, idle, reference, refusal};
use crate::catalog::ProductSource;
use crate::catalog::product::{Content, FILE};
use crate::diag::{Finding, Findings, Place};
use crate::model::image::is_digest;
use crate::model::{DeployStep, File};
use crate::version::Version;
use crate::yaml::edit::Way;

/// How many mentions are listed.
const MOST_MENTIONS: usize = 50;

/// Raises the version of a source in a product's folder.
///
/// # Errors
/// When what is asked for is no version, nothing names the source at that version, it is there already, it
/// would go back, a digest or a chart's content would stay that of the old version, the product's version
/// would not rise or has a tag, or the outcome can't be proved. Nothing is half done: there are no texts then.
pub fn bump(request: &Request<'_>) -> Result<Bump, Findings> {
    sound(request).map_err(|finding| *finding)?;
    let mut views = files::views(request);
    readable(request, &views)?;
    lead(request, &mut views);
    let from = origin(request, &views).map_err(|finding| *finding)?;
    let step: Option<Step> = raise::step(&request.moving, &from, &request.asked.to);
    if step.is_some_and(|step| step.order.is_lt()) && !request.asked.lower {
        return Err((*refusal::lowers(request, &from)).into());
    }
    let chosen = choose(request, &views, &from)?;
    let version = raise::raised(request, &from, step).map_err(|finding| *finding)?;
    let (files, edits) = write(request, &views, chosen, &from, &version)?;
    proved(request, &views, &files, &from)?;
    let (left, unlisted) = left(request, &views, &edits, &from);
    let now = request.product.file.spec.version.value.clone();
    Ok(Bump {
        idle: idle::options(request, &views, &from),
        from,
        to: request.asked.to.clone(),
        level: step.map(|step| step.level),
        version: (now, version),
        files,
        edits,
        left,
        unlisted,
    })
}

/// That what is asked for can stand where versions and digests do.
fn sound(request: &Request<'_>) -> Result<(), Box<Finding>> {
    let to = &request.asked.to;
    let (fits, expected) = match &request.moving {
        Moving::Image(_) => (
            reference::is_tag(to),
            "a tag: letters, digits and `.-_`, at most 128; it begins with no `.` or `-`",
        ),
        Moving::Chart(_) | Moving::Tool(_) | Moving::Addon(_) => {
            (reference::is_version(to), "letters, digits and `.-_+`, at most 128")
        }
    };
    if !fits {
        return Err(refusal::invalid("the version", to, expected));
    }
    match &request.asked.digest {
        Digests::Become(digest) if !is_digest(digest) => {
            Err(refusal::invalid("the digest", digest, "`sha256:` and 64 hexadecimal digits"))
        }
        _ => Ok(()),
    }
}

/// That no file which may name the source was left unread.
fn readable(request: &Request<'_>, views: &[View]) -> Result<(), Findings> {
    let name = match &request.moving {
        Moving::Image(repository) => repository.name.clone(),
        Moving::Chart(name) | Moving::Tool(name) | Moving::Addon(name) => name.clone(),
    };
    let name = name.rsplit('/').next().unwrap_or_default();
    let mut findings = Findings::new();
    // What is no text may name anything.
    findings.extend(views.iter().flat_map(|view| &view.unread).flat_map(|unread| unread.iter().cloned()));
    for view in views.iter().filter(|view| view.source.text().contains(name)) {
        findings.extend(view.broken.iter().flat_map(|broken| broken.iter().cloned()));
    }
    findings.into_result(())
}

/// Charts whose values name the image without a tag: what the chart says to install is its version.
fn lead(request: &Request<'_>, views: &mut [View]) {
    let mut charts: Vec<String> = Vec::new();
    for view in views.iter_mut().filter(|view| view.found.untagged) {
        charts.extend(charts_of(request, &view.path));
    }
    for view in views.iter_mut() {
        if charts.iter().any(|chart| view.path == format!("{chart}/{}", chart::FILE)) {
            view.found.uses.extend(view.installs.take());
        } else if charts_of(request, &view.path).iter().any(|chart| charts.contains(chart)) {
            view.found.left.retain(|left| left.reason != Reason::NoVersion);
        }
    }
}

/// The charts whose values a file holds, or in whose folder it lies.
fn charts_of(request: &Request<'_>, path: &str) -> Vec<String> {
    if path == FILE {
        let steps = request.product.file.spec.deploy.iter();
        let folders = steps.filter_map(|step| match &step.value {
            DeployStep::Helm(step) => Some(step.folder().to_owned()),
            _ => None,
        });
        return folders.collect();
    }
    let mut folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at)).map(str::to_owned);
    let is_chart =
        |folder: &String| request.product.folder.get(&format!("{folder}/{}", chart::FILE)).is_some();
    folders.by_ref().filter(is_chart).last().into_iter().collect()
}

/// The version that moves.
fn origin(request: &Request<'_>, views: &[View]) -> Result<String, Box<Finding>> {
    let all = || views.iter().flat_map(|view| &view.found.uses);
    let mut known: Vec<(&str, &Place)> = Vec::new();
    let some_count = all().any(|found| !found.overridden);
    for found in all().filter(|found| !found.overridden || !some_count) {
        let Some(place) = found.place() else { continue };
        if !known.iter().any(|(version, _)| found.names(version)) {
            known.push((&found.version, place));
        }
    }
    let there = all().find(|found| found.names(&request.asked.to)).and_then(Use::place);
    let others: Vec<(&str, &Place)> =
        known.iter().filter(|(version, _)| *version != request.asked.to).copied().collect();
    match (&request.asked.from, others.as_slice()) {
        (None, []) if redigests(request, views) => Ok(request.asked.to.clone()),
        (Some(from), _) if *from == request.asked.to && redigests(request, views) => Ok(from.clone()),
        (Some(from), _) if *from == request.asked.to => Err(refusal::already(request, there)),
        (Some(from), _) if all().any(|found| found.names(from)) => Ok(from.clone()),
        // The content of a chart was put there by hand: the rest is to be done.
        (Some(from), []) if there.is_some() && is_open(request, from) => Ok(from.clone()),
        (_, []) if there.is_some() => Err(refusal::already(request, there)),
        (Some(_), _) | (None, []) => {
            let versions: Vec<&str> = known.iter().map(|(version, _)| *version).collect();
            Err(refusal::not_named(request, &versions))
        }
        (None, [(one, _)]) => Ok((*one).to_owned()),
        (None, several) => Err(refusal::ambiguous(request, several)),
    }
}

/// Whether places at the version that is asked for get another digest, or lose theirs: a tag may have moved.
fn redigests(request: &Request<'_>, views: &[View]) -> bool {
    let mut there =
        views.iter().flat_map(|view| &view.found.uses).filter(|found| found.names(&request.asked.to));
    request.asked.digest != Digests::Refuse
        && there.any(|found| !edits::of(found, &request.asked.to, &request.asked.digest).is_empty())
}

/// Whether a chart's step is not in the changelog yet, though its content is in the folder.
fn is_open(request: &Request<'_>, from: &str) -> bool {
    let line = format!("`{}` {from} -> {}", request.moving, request.asked.to);
    let text = changelog::file(&request.product.folder).1.map(|file| String::from_utf8_lossy(&file.bytes));
    matches!(request.moving, Moving::Chart(_)) && !text.is_some_and(|text| text.contains(&line))
}

/// The changes of each view, by its number.
type Chosen = BTreeMap<usize, Vec<Change>>;

/// What is to change.
fn choose(request: &Request<'_>, views: &[View], from: &str) -> Result<Chosen, Findings> {
    let mut findings = Findings::new();
    let mut chosen = Chosen::new();
    let mut inherited: Vec<&Place> = Vec::new();
    for (number, view) in views.iter().enumerate() {
        let following = view.installs.iter().filter(|found| follows(request, views, view, found, from));
        // What is at the new version already has its digest as well.
        let has_digest =
            |found: &&Use| request.asked.digest != Digests::Refuse && found.names(&request.asked.to);
        let moving = view.found.uses.iter().filter(|found| found.names(from) || has_digest(found));
        for found in moving.chain(following) {
            findings.extend(content_stays(request, view, found));
            findings.extend(stale(request, found));
            inherited.extend(&found.inherited);
            chosen.entry(number).or_default().extend(edits::of(
                found,
                &request.asked.to,
                &request.asked.digest,
            ));
        }
        if let Some(change) = installed(request, view) {
            chosen.entry(number).or_default().push(change);
        }
    }
    let changes = |place: &&&Place| chosen.values().flatten().any(|change| change.target.place == ***place);
    findings.extend(inherited.iter().filter(|place| !changes(place)).map(|place| *refusal::foreign(place)));
    findings.into_result(chosen)
}

/// What a chart that moves says to install, if that was said.
fn installed(request: &Request<'_>, view: &View) -> Option<Change> {
    let version = request.asked.app_version.as_ref()?;
    view.found.uses.iter().find(|found| found.part == Part::ChartVersion)?;
    let target = view.installs.as_ref()?.target.clone()?;
    Some(Change { target, part: Part::AppVersion, new: version.clone() })
}

/// Whether what a chart says to install is the image that moves: it names the version, and so does the chart.
fn follows(request: &Request<'_>, views: &[View], chart: &View, found: &Use, from: &str) -> bool {
    if !matches!(request.moving, Moving::Image(_)) || !found.names(from) {
        return false;
    }
    let own = charts_of(request, &chart.path);
    let names = |view: &&View| view.found.uses.iter().any(|found| found.names(from));
    views.iter().filter(names).any(|view| charts_of(request, &view.path).iter().any(|c| own.contains(c)))
}

fn content_stays(request: &Request<'_>, view: &View, found: &Use) -> Option<Finding> {
    let (Moving::Chart(name), false) = (&request.moving, request.asked.keeps_content) else { return None };
    let file = chart::content(&request.product.folder, &view.path, name, found.part)?;
    Some(*refusal::content(request, found.place()?, file, &found.version))
}

/// Digests that the new version would leave behind.
fn stale(request: &Request<'_>, found: &Use) -> Vec<Finding> {
    match &request.asked.digest {
        Digests::Drop => Vec::new(),
        Digests::Become(digest) => {
            let foreign = |target: &&Target| target.field.ends_with("digestChroot") || !takes(target, digest);
            found.digests.iter().filter(foreign).map(|target| *refusal::foreign(&target.place)).collect()
        }
        Digests::Refuse => found.stale().into_iter().map(|place| *refusal::stale(request, place)).collect(),
    }
}

/// The new texts, with the product's version and its changelog, and what changed.
fn write(
    request: &Request<'_>,
    views: &[View],
    mut chosen: Chosen,
    from: &str,
    version: &Version,
) -> Result<(BTreeMap<String, String>, Vec<Edit>), Findings> {
    let product = views.iter().position(|view| view.path == FILE);
    if let Some(number) = product {
        chosen.entry(number).or_default().extend(own_version(request, version));
    }
    let mut files = BTreeMap::new();
    let mut edits = Vec::new();
    let mut findings = Findings::new();
    for (number, changes) in chosen.iter().filter(|(_, changes)| !changes.is_empty()) {
        let Some(view) = views.get(*number) else { continue };
        match edits::apply(view, changes) {
            Ok((text, changed)) => {
                files.insert(view.source.path().to_owned(), text);
                edits.extend(changed);
            }
            Err(finding) => findings.push(*finding),
        }
    }
    edits.sort_by(|one, other| by_place(&one.place, &other.place));
    let path = request.product.source.path().strip_suffix(FILE).unwrap_or_default();
    let (own, before) = changelog::file(&request.product.folder);
    let before = before.map(|file| String::from_utf8(file.bytes.to_vec())).transpose();
    match before {
        Ok(before) => {
            let (on, moving, to) = (request.asked.on, &request.moving, request.asked.to.as_str());
            let entry = changelog::Entry { version, on, moving, from, to, evidence: &request.asked.evidence };
            let text = changelog::written(before.as_deref(), &entry);
            files.insert(format!("{path}{own}"), text);
        }
        Err(_) => findings.push(*refusal::unproved(request, "the changelog is not UTF-8")),
    }
    findings.into_result((files, edits))
}

/// The product's own version, if it rises.
fn own_version(request: &Request<'_>, version: &Version) -> Option<Change> {
    let (way, node) = files::below(&request.product.node, Way::default(), &["spec", "version"])?;
    let now = &request.product.file.spec.version.value;
    let target = Target {
        place: node.place.clone(),
        way: Some(way),
        field: "spec.version".to_owned(),
        text: now.to_string(),
    };
    (now != version).then(|| Change { target, part: Part::Product, new: version.to_string() })
}

fn by_place(one: &Place, other: &Place) -> std::cmp::Ordering {
    (one.file(), one.start(), one.end()).cmp(&(other.file(), other.start(), other.end()))
}

/// Looks at the new folder as at the old one: it is a product, and names the new version wherever the old
/// folder named one of the two.
fn proved(
    request: &Request<'_>,
    before: &[View],
    files: &BTreeMap<String, String>,
    from: &str,
) -> Result<(), Findings> {
    let product = request.product;
    let at = product.source.path().strip_suffix(FILE).unwrap_or_default();
    let mut folder = product.folder.clone();
    for (path, text) in files {
        let path = path.strip_prefix(at).unwrap_or(path);
        let executable = folder.get(path).is_some_and(|file| file.executable);
        folder.insert(path, File { bytes: text.as_bytes().into(), executable });
    }
    let Content { file, tree, source, node, .. } = Content::at(&folder, at.trim_end_matches('/'))?;
    let product = ProductSource { file, folder: tree, source, node };
    let mut after = files::views(&Request { product: &product, ..request.clone() });
    lead(request, &mut after);
    let count = |views: &[View], versions: &[&str]| {
        let uses = views.iter().flat_map(|view| &view.found.uses);
        uses.filter(|found| versions.iter().any(|version| found.names(version))).count()
    };
    let to = request.asked.to.as_str();
    let is_gone = from == to || count(&after, &[from]) == 0;
    if is_gone && count(&after, &[to]) == count(before, &[from, to]) {
        return Ok(());
    }
    Err((*refusal::unproved(request, "after the edits not every field names the new version")).into())
}

/// What was left, and how many mentions are not listed.
fn left(request: &Request<'_>, views: &[View], edits: &[Edit], from: &str) -> (Vec<Left>, usize) {
    let mut left: Vec<Left> = Vec::new();
    let mentions = Mentions::of(&request.moving, from);
    let (mut listed, mut unlisted) = (0, 0);
    for view in views {
        let others =
            view.found.uses.iter().filter(|found| !found.names(from) && !found.names(&request.asked.to));
        let others = others.filter_map(|found| {
            let reason = if found.overridden { Reason::Overridden } else { Reason::AnotherVersion };
            let target = found.target.as_ref().or(found.digests.first())?;
            Some(Left::new(&target.place, target.text.as_str(), reason))
        });
        let own: Vec<Left> = view.found.left.iter().cloned().chain(others).collect();
        let edited = edits.iter().map(|edit| &edit.place).filter(|place| place.source() == &view.source);
        let known: Vec<Range<usize>> = edited
            .chain(own.iter().map(|left| &left.place))
            .map(|place| place.start()..place.end())
            .collect();
        left.extend(own);
        // Where the version stays, so does what mentions it.
        for mention in
            mentions.in_file(&view.source, &known, &view.blocks).filter(|_| from != request.asked.to)
        {
            if listed < MOST_MENTIONS {
                left.push(mention);
                listed += 1;
            } else {
                unlisted += 1;
            }
        }
    }
    left.sort_by(|one, other| by_place(&one.place, &other.place));
    (left, unlisted)
}
