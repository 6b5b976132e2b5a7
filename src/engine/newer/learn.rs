//! What is learned beside versions, once it is known which things are behind: the releases of their projects,
//! the changelogs of those whose releases say nothing, support windows, and what providers offer of Kubernetes. Whatever gives no answer is told; the report goes
//! on without it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;

use super::ask::Upstreams;
use crate::lcm::changelogs::{self, Changelog, Released, Untold};
use crate::lcm::declared::Item;
use crate::lcm::material::{Material, wanted};
use crate::lcm::policy::Policy;
use crate::lcm::projects::Projects;
use crate::lcm::row::Row;
use crate::lcm::support::dataset::Whole;
use crate::lcm::support::known::Known;
use crate::lcm::support::kubernetes::{Addons, Offered, Provider};
use crate::lcm::upstream::{Project, Unanswered};
use crate::model::Support;

/// How many projects are asked about at once.
const AT_ONCE: usize = 64;

/// Who is asked until when something is supported.
const DATA_SET: &str = "endoflife.date";

/// What was learned, and whose silence keeps it from being all.
#[derive(Debug, Default)]
pub struct Learned {
    /// What was learned.
    pub material: Material,
    /// Who gave no answer, and why.
    pub silent: Vec<(String, Unanswered)>,
    /// How many were asked.
    pub asked: usize,
}

/// Learns what rows are completed with. `windows` are what the public data set answered, and a file of one's own.
pub(super) async fn learn(
    rows: &[Row],
    projects: &Projects,
    policy: &dyn Fn(&str, &Item) -> Policy,
    (windows, own): (Result<Arc<Whole>, Unanswered>, Option<&Support>),
    upstreams: &Upstreams,
) -> Learned {
    let released = async {
        futures::stream::iter(wanted(rows, projects))
            .map(|project| async move { (project.clone(), upstreams.forge.releases(project).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    };
    let told = async {
        let releases: Released = released.await;
        let wanted = changelogs::wanted(rows, projects, policy, &releases);
        let all: BTreeMap<_, _> = futures::stream::iter(wanted)
            .map(|(project, untold)| changelog(project, untold, &releases, upstreams))
            .buffer_unordered(AT_ONCE)
            .filter_map(async |answered| answered)
            .collect()
            .await;
        (releases, all)
    };
    let ((releases, changelogs), offered) = futures::join!(told, offered(rows, upstreams));
    let mut learned = Learned { asked: releases.len() + 1, ..Learned::default() };
    for (project, answer) in &releases {
        if let Err(silent) = answer {
            learned.silent.push((format!("releases of {project}"), silent.clone()));
        }
    }
    let products = match windows {
        Ok(whole) => whole.products.clone(),
        Err(silent) => {
            learned.silent.push((DATA_SET.to_owned(), silent));
            Vec::new()
        }
    };
    let addons = addons(rows, upstreams).await;
    let known = Known::new(products, own);
    learned.material = Material { releases, changelogs, known, offered, addons, ..Material::default() };
    learned
}

/// The changelog of a project at the newest tag that things have; nothing if it has no such tag or file.
async fn changelog(
    project: &Project,
    untold: Vec<Untold<'_>>,
    releases: &Released,
    upstreams: &Upstreams,
) -> Option<(Project, Result<Changelog, Unanswered>)> {
    let released = releases.get(project).and_then(|answer| answer.as_ref().ok());
    let released: Vec<&str> =
        released.iter().flat_map(|all| all.iter()).map(|one| one.tag.as_str()).collect();
    let tags = match changelogs::at(&untold, &released) {
        Some(_) => None,
        // Not every tag is a release.
        None => Some(upstreams.forge.tags(project).await),
    };
    let at = match &tags {
        None => changelogs::at(&untold, &released)?,
        Some(Ok(tags)) => changelogs::at(&untold, &tags.iter().collect::<Vec<_>>())?,
        Some(Err(silent)) => return Some((project.clone(), Err(silent.clone()))),
    };
    for name in changelogs::NAMES {
        match upstreams.forge.file(project, at, name).await {
            Ok(Some(text)) => return Some((project.clone(), Ok(Changelog::of(at, name, text)))),
            Ok(None) => {}
            Err(silent) => return Some((project.clone(), Err(silent))),
        }
    }
    None
}

/// What the providers of the rows offer. Who gave no answer has a row that says so.
async fn offered(rows: &[Row], upstreams: &Upstreams) -> BTreeMap<Provider, Arc<Offered>> {
    let channels = rows.iter().filter_map(|row| match &row.item {
        Item::Kubernetes(channel) => Provider::of_channel(channel),
        _ => None,
    });
    let mut all = BTreeMap::new();
    for provider in channels {
        if let Ok(offered) = upstreams.offers.versions(provider).await {
            all.insert(provider, offered);
        }
    }
    all
}

/// What the providers of the rows tell of add-ons.
async fn addons(rows: &[Row], upstreams: &Upstreams) -> BTreeMap<Provider, Arc<Addons>> {
    let providers = rows.iter().filter_map(|row| match &row.item {
        Item::Addon { provider, .. } => Some(*provider),
        _ => None,
    });
    let mut all = BTreeMap::new();
    for provider in providers {
        if let Ok(told) = upstreams.offers.addons(provider).await {
            all.insert(provider, told);
        }
    }
    all
}
