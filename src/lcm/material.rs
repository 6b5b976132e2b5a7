//! What rows are completed with, once it is known which of them are behind: what changed, by the entries of
//! charts, their packages, and the releases and changelogs of projects, and until when what is in use is supported.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::changelogs::{self, Changelog};
use super::changes::{Changes, Found, Reach, changelog, charts, level, releases};
use super::compared::Compared;
use super::declared::Item;
use super::policy::Policy;
use super::projects::Projects;
use super::row::{Answers, Row, Status};
use super::support::known::{Known, Window};
use super::support::kubernetes::{Addons, Offered, Provider, window as of_kubernetes};
use super::support::standing::Phase;
use super::upstream::{Project, Published, Unanswered};
use crate::version::KubeVersion;

/// Support that ends within so many days is told.
pub(super) const NEAR: i64 = 90;

/// What was learned beside versions.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// The releases of projects.
    pub releases: BTreeMap<Project, Result<Arc<Vec<Published>>, Unanswered>>,
    /// Changelogs of projects whose releases tell nothing.
    pub changelogs: BTreeMap<Project, Result<Changelog, Unanswered>>,
    /// What the packages of charts differ in, by product.
    pub compared: BTreeMap<(String, Item), Compared>,
    /// Support windows.
    pub known: Known,
    /// What providers offer of Kubernetes, as far as they told.
    pub offered: BTreeMap<Provider, Arc<Offered>>,
    /// What they tell of their add-ons.
    pub addons: BTreeMap<Provider, Arc<Addons>>,
}

/// The projects whose releases are worth asking for: those of rows that are behind.
pub fn wanted<'a>(rows: &'a [Row], projects: &'a Projects) -> Vec<&'a Project> {
    let behind = rows.iter().filter(|row| row.behind().is_some());
    let mut wanted: Vec<&'a Project> =
        behind.filter_map(|row| projects.of_item(&row.product, &row.item)).collect();
    wanted.sort();
    wanted.dedup();
    wanted
}

/// What a project tells, and what of it could not be read.
#[derive(Default)]
struct Told {
    found: Vec<Found>,
    notes: Vec<String>,
}

impl Material {
    /// Completes rows: with what changed, and with what support says on a day.
    pub fn complete(
        &self,
        rows: &mut [Row],
        answers: &Answers,
        projects: &Projects,
        policy: &dyn Fn(&str, &Item) -> Policy,
        today: Date,
    ) {
        for row in rows {
            row.changes = self.changes(row, answers, projects, &policy(&row.product, &row.item));
            row.window = self.window(row, answers, today);
            if let Some(Window::Known { standing, .. }) = &row.window {
                let words = row.window.as_ref().map(Window::words).unwrap_or_default();
                match (standing.phase, standing.days_left()) {
                    (Phase::Ended, _) => row.statuses.push(Status::Ended { words }),
                    (_, Some(days)) if days <= NEAR => row.statuses.push(Status::Ending { days, words }),
                    _ => {}
                }
                row.statuses.sort();
            }
        }
    }

    /// What changed between the lowest declared version and the newest.
    fn changes(&self, row: &Row, answers: &Answers, projects: &Projects, policy: &Policy) -> Option<Changes> {
        row.behind()?;
        let step = (row.judged.as_deref()?, row.newest.as_deref()?);
        Some(self.between((&row.product, &row.item), step, answers, projects, policy))
    }

    /// What changed in a thing of a product between two versions.
    pub fn between(
        &self,
        (product, item): (&str, &Item),
        (current, newest): (&str, &str),
        answers: &Answers,
        projects: &Projects,
        policy: &Policy,
    ) -> Changes {
        let mut found: Vec<Found> = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        match (item, answers.get(item)) {
            (Item::Chart { .. }, Some(Ok(answer))) => match charts::between(current, newest, &answer.entries)
            {
                Ok(told) => found.push(told),
                Err(why) => notes.push(why.to_string()),
            },
            (Item::Kubernetes(_), _) => {}
            _ => found.push(level::step(level::Whose::App, current, newest)),
        }
        if let Some(compared) = self.compared.get(&(product.to_owned(), item.clone())) {
            match compared.from == current && compared.to == newest {
                true => found.push(compared.found.clone()),
                false => {
                    notes.push(format!("packages of {} and {} were compared", compared.from, compared.to))
                }
            }
        }
        if let Some(project) = projects.of_item(product, item) {
            let name = changelogs::name(item);
            let reach = Reach { current, newest, scheme: &policy.scheme, name };
            let told = self.told(project, reach, item);
            found.extend(told.found);
            notes.extend(told.notes);
        }
        let mut changes = Changes::of(found);
        changes.notes.extend(notes);
        changes
    }

    /// What a project tells: by its releases, or where they say nothing by its changelog.
    fn told(&self, project: &Project, reach: Reach<'_>, item: &Item) -> Told {
        let mut told = Told::default();
        match self.releases.get(project) {
            Some(Ok(all)) => match releases::between(reach, all) {
                Ok(found) => told.found.push(found),
                Err(why) => told.notes.push(format!("releases of {project}: {why}")),
            },
            Some(Err(silent)) => told.notes.push(format!("releases of {project}: {silent}")),
            None => {}
        }
        if told.found.iter().any(|found| !found.changes.is_empty()) {
            return told;
        }
        match self.changelogs.get(project) {
            Some(Ok(file)) if file.fits(item, reach.newest) => {
                match changelog::between(reach, &file.text, Some(&file.address(project))) {
                    Ok(found) => told.found.push(found),
                    Err(why) => told.notes.push(format!("{} of {project}: {why}", file.path)),
                }
                if file.cut {
                    told.notes
                        .push(format!("{} of {project} is long, and only its beginning is read", file.path));
                }
            }
            Some(Err(silent)) => told.notes.push(format!("the changelog of {project}: {silent}")),
            Some(Ok(_)) | None => {}
        }
        told
    }

    /// The window with the least left of all versions in use; none if none is known.
    fn window(&self, row: &Row, answers: &Answers, today: Date) -> Option<Window> {
        // A copy is supported as what it is a copy of.
        let origin = row.around.copy_of.clone().map(Item::Image);
        let item = origin.as_ref().unwrap_or(&row.item);
        let running = row.running.iter().map(|(version, _)| version);
        // A row of Kubernetes is about what runs; what the release says comes later.
        let declared: &[String] =
            if row.minor.is_some() && !row.running.is_empty() { &[] } else { &row.declared };
        let mut windows: Vec<Window> = declared
            .iter()
            .chain(running)
            .filter_map(|version| self.window_of(item, version, answers, today))
            .filter(|window| matches!(window, Window::Known { .. }))
            .collect();
        let left = |window: &Window| {
            let standing = window.standing();
            let ended = standing.is_some_and(|standing| standing.phase == Phase::Ended);
            (!ended, standing.and_then(|standing| standing.days_left()).unwrap_or(i64::MAX))
        };
        windows.sort_by_key(left);
        windows.into_iter().next()
    }

    /// Where a version of a thing stands on a day, if anything is known of it.
    pub fn window_of(&self, item: &Item, version: &str, answers: &Answers, today: Date) -> Option<Window> {
        match item {
            Item::Kubernetes(channel) => {
                let provider = Provider::of_channel(channel)?;
                let version = KubeVersion::of_numbers(version)?;
                let offered = self.offered.get(&provider).map(Arc::as_ref);
                Some(of_kubernetes(provider, &version, offered, &self.known, today))
            }
            // Of a chart it is what it installs that counts.
            Item::Chart { .. } => {
                let answer = answers.get(item)?.as_ref().ok()?;
                let entry = answer.entries.iter().find(|entry| entry.version == version)?;
                Some(self.known.window(item, entry.app_version.as_deref()?, today))
            }
            _ => Some(self.known.window(item, version, today)),
        }
    }
}
