//! Rules about the calendar: that every entry can hold at all, and that it is for something that
//! there is.

use std::collections::BTreeSet;

use crate::diag::{Finding, Findings, Place, Severity, codes};
use crate::model::calendar::{Entry, Schedule, When, Zone};
use crate::model::{Duration, Window};
use crate::yaml::{Node, Spanned};

use super::super::Catalog;
use super::labels::Universe;
use super::product::labels_form;
use super::{filled, twice};

pub(super) fn rules(catalog: &Catalog, universe: Option<&Universe>, findings: &mut Findings) {
    let Some(loaded) = &catalog.calendar else { return };
    let calendar = &loaded.spec;
    let names = calendar.entries().map(|entry| (&entry.name().value, &entry.name().place));
    findings.extend(twice(names, "the window or freeze"));
    for entry in calendar.entries() {
        scope(catalog, entry, universe, findings);
        // What is written wrongly was found already, and is not missing.
        if is_partly_read(&loaded.node, entry) {
            continue;
        }
        match entry {
            Entry::Window(window) => {
                times(window, findings);
                findings.extend(window.reason.as_ref().and_then(|reason| filled(reason, "the reason")));
            }
            Entry::Freeze(freeze) => {
                interval(&freeze.from, &freeze.until, freeze.time_zone.as_ref(), findings);
                findings.extend(filled(&freeze.author, "the author"));
                findings.extend(filled(&freeze.reason, "the reason"));
            }
        }
    }
}

/// Whether a time of an entry is written and could not be taken in.
fn is_partly_read(root: &Node, entry: Entry<'_>) -> bool {
    let (list, read) = match entry {
        Entry::Window(window) => (
            "windows",
            vec![
                ("schedule", window.schedule.is_some()),
                ("for", window.length.is_some()),
                ("from", window.from.is_some()),
                ("until", window.until.is_some()),
                ("timeZone", window.time_zone.is_some()),
            ],
        ),
        Entry::Freeze(freeze) => ("freezes", vec![("timeZone", freeze.time_zone.is_some())]),
    };
    let items = root.at(&["spec", list]).and_then(Node::as_sequence).unwrap_or_default();
    let same = |item: &&Node| item.get("name").is_some_and(|name| name.place == entry.name().place);
    let Some(item) = items.iter().find(same) else { return false };
    read.iter().any(|(field, read)| !read && item.get(field).is_some())
}

fn scope(catalog: &Catalog, entry: Entry<'_>, universe: Option<&Universe>, findings: &mut Findings) {
    let name = entry.name();
    let empty = |what: &str| {
        Finding::error(&codes::EMPTY_VALUE, format!("`{}` holds for no {what}", name.value))
            .at(&name.place)
            .hint(format!("without `{what}s` it holds for all of them"))
    };
    if let Some(lanes) = entry.lanes() {
        findings.extend(lanes.is_empty().then(|| empty("lane")));
        findings.extend(twice(lanes.iter().map(|lane| (&lane.value, &lane.place)), "the lane"));
    }
    if let Some(waves) = entry.waves() {
        findings.extend(waves.is_empty().then(|| empty("wave")));
        findings.extend(twice(waves.iter().map(|wave| (&wave.value, &wave.place)), "the wave"));
        let known = waves_of(catalog);
        for wave in waves {
            if known.as_ref().is_some_and(|known| !known.contains(wave.as_str())) {
                findings.push(
                    Finding::error(&codes::UNKNOWN_WAVE, format!("no pipeline has a wave `{}`", wave.value))
                        .at(&wave.place)
                        .did_you_mean(wave.as_str(), known.iter().flatten().copied()),
                );
            }
        }
    }
    if let Some(selector) = entry.selector() {
        labels_form(&selector.value, findings);
        if let Some(universe) = universe {
            findings.extend(universe.check(&selector.value, &selector.place, Severity::Error));
        }
    }
}

/// The names of all waves of all pipelines, wrong entries among them; none if a pipeline can't be
/// read, since its waves are not known then.
fn waves_of(catalog: &Catalog) -> Option<BTreeSet<&str>> {
    let pipeline = |path: &String| {
        path.strip_prefix("pipelines/")
            .is_some_and(|name| !name.contains('/') && !["fleet.yaml", "calendar.yaml"].contains(&name))
    };
    if catalog.unreadable.iter().any(pipeline) {
        return None;
    }
    let waves = catalog.pipelines.values().flat_map(|loaded| {
        loaded.node.at(&["spec", "waves"]).and_then(Node::as_sequence).unwrap_or_default()
    });
    Some(waves.filter_map(|wave| wave.get("name").and_then(Node::as_str)).collect())
}

fn contradiction(message: String, place: &Place) -> Finding {
    Finding::error(&codes::CONTRADICTION, message).at(place)
}

/// A window is recurring, or it is once.
fn times(window: &Spanned<Window>, findings: &mut Findings) {
    let name = &window.name;
    let recurring = window.schedule.is_some() || window.length.is_some();
    let once = [&window.from, &window.until].into_iter().flatten().next();
    match (recurring, once) {
        (true, Some(once)) => findings.push(
            contradiction(format!("the window `{}` is recurring and once", name.value), &once.place)
                .label("`from` and `until` are for a window without `schedule`"),
        ),
        (false, None) => findings.push(
            contradiction(format!("the window `{}` has no time", name.value), &name.place)
                .label("it has neither `schedule` and `for` nor `from` and `until`"),
        ),
        (true, None) => match (&window.schedule, &window.length) {
            (Some(schedule), Some(length)) => {
                recurring_times(schedule, length, findings);
                if window.time_zone.is_none() {
                    findings.push(no_zone(&schedule.place));
                }
            }
            (Some(schedule), None) => findings.push(
                contradiction(format!("the window `{}` has no length", name.value), &schedule.place)
                    .label("`for` says how long it holds from here"),
            ),
            (None, _) => findings.push(
                contradiction(format!("the window `{}` never begins", name.value), &name.place)
                    .label("`for` needs a `schedule`"),
            ),
        },
        (false, Some(once)) => match (&window.from, &window.until) {
            (Some(from), Some(until)) => interval(from, until, window.time_zone.as_ref(), findings),
            _ => findings.push(
                contradiction(format!("the window `{}` has one end", name.value), &once.place)
                    .label("a window that is once has both `from` and `until`"),
            ),
        },
    }
}

fn no_zone(place: &Place) -> Finding {
    contradiction("a local time without `timeZone`".to_owned(), place)
        .label("whose clock shows this?")
        .hint("name an IANA time zone, such as `timeZone: Europe/Berlin` or `timeZone: UTC`")
}

fn interval(
    from: &Spanned<When>,
    until: &Spanned<When>,
    zone: Option<&Spanned<Zone>>,
    findings: &mut Findings,
) {
    if zone.is_none()
        && let Some(local) = [from, until].into_iter().find(|when| when.is_local())
    {
        findings.push(no_zone(&local.place));
        return;
    }
    let zone = zone.map(|zone| &zone.value);
    let (Some(start), Some(end)) = (from.start(zone), until.end(zone)) else {
        findings.push(Finding::error(&codes::INVALID_VALUE, "a time beyond all calendars").at(&until.place));
        return;
    };
    if end <= start {
        // A day ends with the moment with which the next one begins: the days themselves say more.
        let message = if until.start(zone).is_some_and(|until| until < start) {
            format!("the end {} is before the beginning {}", until.value, from.value)
        } else if end == start {
            format!("it begins and ends at {start}")
        } else {
            format!("it ends at {end}, before it begins at {start}")
        };
        findings.push(
            Finding::error(&codes::EMPTY_WINDOW, message)
                .at(&until.place)
                .related(&from.place, "it begins here"),
        );
    }
}

fn recurring_times(schedule: &Spanned<Schedule>, length: &Spanned<Duration>, findings: &mut Findings) {
    if length.is_zero() {
        findings.push(
            Finding::error(&codes::EMPTY_WINDOW, "a window of no length")
                .at(&length.place)
                .label("how long it holds from each beginning"),
        );
        return;
    }
    let Some((shortest, longest)) = schedule.gaps() else { return };
    if length.value >= longest {
        findings.push(
            Finding::error(&codes::ENDLESS_WINDOW, format!("a window of {} that never ends", length.value))
                .at(&length.place)
                .label(format!("it begins again after {longest} at the latest"))
                .related(&schedule.place, "it begins here"),
        );
    } else if length.value > shortest {
        findings.push(
            Finding::error(
                &codes::OVERLAPPING_WINDOW,
                format!("a window of {} that begins again before it ends", length.value),
            )
            .at(&length.place)
            .label(format!("it begins again after {shortest}"))
            .related(&schedule.place, "it begins here"),
        );
    }
}
