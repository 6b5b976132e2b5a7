//! Freezes as commands: edits of `pipelines/calendar.yaml` that keep everything else in it, checked
//! as the whole file is.

use jiff::Timestamp;
use serde::Serialize;

use crate::catalog::{self, Catalog, FOLDERS, Loaded, fleet};
use crate::diag::{Finding, Findings, codes};
use crate::model::calendar::{Entry, When, Zone};
use crate::model::{
    CalendarFile, ClusterEntry, File, Freeze, Labels, Lane, NameError, Selector, WaveName, WindowName,
    whole_second,
};
use crate::yaml::edit;

use super::{RepoError, Repository, quoted, read};

/// Where the calendar is.
const FILE: &str = "pipelines/calendar.yaml";

/// The list in it.
const LIST: [&str; 2] = ["spec", "freezes"];

/// What a freeze is to say.
#[derive(Debug, Clone)]
pub struct FreezeRequest {
    /// Its name; the next free `freeze-N` if absent.
    pub name: Option<WindowName>,
    /// When it begins; at once if absent.
    pub from: Option<When>,
    /// When it ends.
    pub until: When,
    /// The zone of both, unless they are moments.
    pub zone: Option<Zone>,
    /// The lanes that it holds for; `normal` if there are none.
    pub lanes: Vec<Lane>,
    /// The waves that it is for; all if there are none.
    pub waves: Vec<WaveName>,
    /// The clusters that it is for, by label; all if there are none.
    pub selector: Labels,
    /// Who declares it.
    pub author: String,
    /// Why.
    pub reason: String,
}

/// A freeze that was added.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreezeAdded {
    /// As in the list.
    pub freeze: FreezeRow,
    /// Its file.
    pub file: String,
    /// Warnings.
    pub findings: Findings,
}

/// How a freeze stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FreezeState {
    /// It is yet to begin.
    Ahead,
    /// It holds.
    Holds,
    /// It has ended.
    Over,
}

/// A freeze in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreezeRow {
    /// Its name.
    pub name: WindowName,
    /// How it stands.
    pub state: FreezeState,
    /// When it begins, as written.
    pub from: String,
    /// When it ends, as written.
    pub until: String,
    /// The zone of both, if they are local.
    pub time_zone: Option<Zone>,
    /// The moment at which it begins; none if the file does not say it rightly.
    pub begins: Option<Timestamp>,
    /// The first moment after it.
    pub ends: Option<Timestamp>,
    /// The lanes that it holds for.
    pub lanes: Vec<Lane>,
    /// The waves that it is for; all if absent.
    pub waves: Option<Vec<WaveName>>,
    /// The clusters that it is for; all if absent.
    pub selector: Option<Selector>,
    /// Who declared it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When it was declared.
    pub created: Option<Timestamp>,
}

/// Adds a freeze to `pipelines/calendar.yaml`, which is made if it is not there.
///
/// `sourced` are the clusters of the fleet's source, if it has one.
///
/// # Errors
/// When the end has passed or lies before the beginning, a local time has no zone, the name is
/// taken, a wave or a label is unknown, the reason is empty, or the calendar has mistakes; nothing
/// is written then.
pub async fn freeze_add(
    repo: &Repository,
    request: &FreezeRequest,
    sourced: Vec<ClusterEntry>,
    now: Timestamp,
) -> Result<FreezeAdded, RepoError> {
    // In a hurry, a mistake in another file must not keep anybody from a freeze.
    let (before, findings) = read::load(repo).await?;
    findings.into_iter().filter(about).collect::<Findings>().into_result(())?;
    let name = free_name(&before, request.name.as_ref())?;
    if request.until.end(request.zone.as_ref()).is_some_and(|end| end <= now) {
        return Err(Finding::error(&codes::EXPIRY_PASSED, format!("the end {} has passed", request.until))
            .hint("give a time to come, such as 2026-12-31")
            .into());
    }
    let item = fields(&name, request, now);
    let text = match &before.calendar {
        Some(loaded) => edit::append(&loaded.source, &LIST, &item)?,
        None => new_file(&item),
    };

    // The new freeze is looked at as every entry is: in a tree that has it.
    let mut tree = repo.trees.working(&FOLDERS).await?;
    tree.insert(FILE, File { bytes: text.as_bytes().into(), executable: false });
    let (catalog, mut findings) = catalog::load(&tree);
    let checked = match &catalog.fleet {
        Some(file) => catalog::check_members(&catalog, &fleet::members(&file.spec, sourced).0),
        None => catalog::check(&catalog),
    };
    findings.extend(checked);
    let findings: Findings = findings.into_iter().filter(about).collect();
    let findings = findings.clone().into_result(findings)?;
    let Some(freeze) = row_of(&catalog, &name, now) else {
        return Err(unknown(&before, &name).into());
    };
    repo.trees.write(FILE, &text).await?;
    Ok(FreezeAdded { freeze, file: FILE.to_owned(), findings })
}

/// Every freeze of the working tree: those that hold, those to come, then those that are over, each
/// by its end; and what is wrong with the calendar.
///
/// # Errors
/// When the working tree can't be read.
pub async fn freeze_list(repo: &Repository, now: Timestamp) -> Result<(Vec<FreezeRow>, Findings), RepoError> {
    let (catalog, findings) = read::load(repo).await?;
    let mut rows: Vec<FreezeRow> = freezes(&catalog).iter().map(|freeze| row(&freeze.value, now)).collect();
    let rank = |state| match state {
        FreezeState::Holds => 0,
        FreezeState::Ahead => 1,
        FreezeState::Over => 2,
    };
    rows.sort_by(|a, b| (rank(a.state), a.ends, &a.name).cmp(&(rank(b.state), b.ends, &b.name)));
    Ok((rows, findings.into_iter().filter(about).collect()))
}

/// Removes a freeze from `pipelines/calendar.yaml`.
///
/// # Errors
/// When there is no such freeze, or it can't be taken out without changing more.
pub async fn freeze_remove(
    repo: &Repository,
    name: &WindowName,
    now: Timestamp,
) -> Result<FreezeRow, RepoError> {
    let (catalog, _) = read::load(repo).await?;
    let found = catalog.calendar.as_ref().and_then(|loaded| Some((loaded, number_of(loaded, name)?)));
    let (Some((loaded, number)), Some(row)) = (found, row_of(&catalog, name, now)) else {
        return Err(unknown(&catalog, name).into());
    };
    let text = edit::remove(&loaded.source, &LIST, number)?;
    repo.trees.write(FILE, &text).await?;
    Ok(row)
}

/// Whether a finding points into the calendar.
fn about(finding: &Finding) -> bool {
    let places = finding.place.iter().chain(finding.related.iter().map(|(place, _)| place));
    places.into_iter().any(|place| place.file() == FILE)
}

fn freezes(catalog: &Catalog) -> &[crate::yaml::Spanned<Freeze>] {
    catalog.calendar.as_ref().map_or(&[], |loaded| &loaded.file.spec.freezes)
}

/// The place of a freeze in the list as written, where wrong entries count, too.
fn number_of(loaded: &Loaded<CalendarFile>, name: &WindowName) -> Option<usize> {
    let items = loaded.node.at(&LIST)?.as_sequence()?;
    items.iter().position(|item| item.get("name").and_then(|n| n.as_str()) == Some(name.as_str()))
}

fn free_name(catalog: &Catalog, asked: Option<&WindowName>) -> Result<WindowName, RepoError> {
    let entries = || catalog.calendar.iter().flat_map(|loaded| loaded.file.spec.entries());
    let Some(name) = asked else {
        let number = |entry: Entry<'_>| entry.name().as_str().strip_prefix("freeze-")?.parse::<u64>().ok();
        let next = entries().filter_map(number).max().unwrap_or(0).saturating_add(1);
        return format!("freeze-{next}")
            .parse()
            .map_err(|error: NameError| Finding::error(&codes::INVALID_VALUE, error.to_string()).into());
    };
    match entries().find(|entry| entry.name().value == *name) {
        Some(entry) => Err(Finding::error(
            &codes::FREEZE_EXISTS,
            format!("there is a window or a freeze `{name}` already"),
        )
        .at(&entry.name().place)
        .next("tidegate freeze list")
        .into()),
        None => Ok(name.clone()),
    }
}

fn fields(name: &WindowName, request: &FreezeRequest, now: Timestamp) -> Vec<(&'static str, String)> {
    let now = whole_second(now);
    let from = request.from.unwrap_or(When::Moment(now));
    let mut fields = vec![("name", quoted(name.as_str())), ("from", quoted(&from.to_string()))];
    fields.push(("until", quoted(&request.until.to_string())));
    if let Some(zone) = &request.zone {
        fields.push(("timeZone", quoted(zone.name())));
    }
    if !request.lanes.is_empty() {
        let lanes: Vec<String> = request.lanes.iter().map(ToString::to_string).collect();
        fields.push(("lanes", format!("[{}]", lanes.join(", "))));
    }
    if !request.waves.is_empty() {
        let waves: Vec<String> = request.waves.iter().map(|wave| quoted(wave.as_str())).collect();
        fields.push(("waves", format!("[{}]", waves.join(", "))));
    }
    if !request.selector.is_empty() {
        let labels = request.selector.iter();
        let labels: Vec<String> =
            labels.map(|(label, value)| format!("{}: {}", quoted(label), quoted(value))).collect();
        fields.push(("selector", format!("{{ {} }}", labels.join(", "))));
    }
    fields.push(("author", quoted(&request.author)));
    fields.push(("reason", quoted(&request.reason)));
    fields.push(("created", quoted(&now.to_string())));
    fields
}

fn new_file(item: &[(&str, String)]) -> String {
    let lines: Vec<String> = item
        .iter()
        .enumerate()
        .map(|(n, (key, value))| format!("    {} {key}: {value}\n", if n == 0 { "-" } else { " " }))
        .collect();
    format!(
        "apiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata:\n  name: calendar\nspec:\n  freezes:\n{}",
        lines.concat()
    )
}

fn unknown(catalog: &Catalog, name: &WindowName) -> Finding {
    Finding::error(&codes::UNKNOWN_FREEZE, format!("there is no freeze `{name}`"))
        .did_you_mean(name.as_str(), freezes(catalog).iter().map(|freeze| freeze.name.as_str()))
        .next("tidegate freeze list")
}

fn row_of(catalog: &Catalog, name: &WindowName, now: Timestamp) -> Option<FreezeRow> {
    let freeze = freezes(catalog).iter().find(|freeze| freeze.name.value == *name)?;
    Some(row(&freeze.value, now))
}

fn row(freeze: &Freeze, now: Timestamp) -> FreezeRow {
    let zone = freeze.time_zone.as_ref().map(|zone| &zone.value);
    let begins = freeze.from.start(zone);
    let ends = freeze.until.end(zone);
    // What can't be read holds, as in the evaluation.
    let state = match (begins, ends) {
        (_, Some(ends)) if ends <= now => FreezeState::Over,
        (Some(begins), _) if begins > now => FreezeState::Ahead,
        _ => FreezeState::Holds,
    };
    let lanes = match &freeze.lanes {
        Some(lanes) => lanes.iter().map(|lane| lane.value).collect(),
        None => vec![Lane::Normal],
    };
    FreezeRow {
        name: freeze.name.value.clone(),
        state,
        from: freeze.from.to_string(),
        until: freeze.until.to_string(),
        time_zone: zone.cloned(),
        begins,
        ends,
        lanes,
        waves: freeze.waves.as_ref().map(|waves| waves.iter().map(|wave| wave.value.clone()).collect()),
        selector: freeze.selector.as_ref().map(|selector| selector.value.clone()),
        author: freeze.author.value.clone(),
        reason: freeze.reason.value.clone(),
        created: freeze.created.as_ref().map(|created| created.value),
    }
}
