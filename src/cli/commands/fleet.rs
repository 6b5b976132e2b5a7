//! Commands on the fleet as a whole: its members, what runs where, and how far behind that is.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::catalog::{Catalog, fleet};
use crate::cli::args::{Choice, ClusterDrift, ClusterList, ClusterMatrix};
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::engine::planning::append_facts;
use crate::engine::{drift, repo};
use crate::model::{ClusterEntry, ClusterName, Fleet, ProductName, ReleaseId};
use crate::output::envelope::{List, Warning};
use crate::output::exit::Code;
use crate::output::screens::MatrixScreen;
use crate::port::NewEvent;
use crate::report::standing::{Standing, Standings};

/// The files of the working tree, and the members of their fleet, those of its source included.
pub async fn members(
    context: &Context<'_>,
) -> Result<(Catalog, BTreeMap<ClusterName, ClusterEntry>), Failure> {
    let files = context.place.files().await?;
    let (catalog, findings) = repo::load(&files).await?;
    let Some(file) = catalog.fleet.as_ref() else {
        if findings.has_errors() {
            return Err(findings.into());
        }
        let finding = Finding::error(&codes::NO_SUCH_THING, "there is no fleet")
            .hint("pipelines/fleet.yaml lists the clusters");
        return Err(Failure::new(Code::NothingSelected, finding));
    };
    let members = members_of(&file.file.spec, context).await?;
    Ok((catalog, members))
}

/// The members of a fleet, those of its source included.
pub async fn members_of(
    file: &Fleet,
    context: &Context<'_>,
) -> Result<BTreeMap<ClusterName, ClusterEntry>, Failure> {
    let sourced = match &file.source {
        None => Vec::new(),
        Some(source) => context.place.members(&source.value).await?,
    };
    let (members, wrong) = fleet::members(file, sourced);
    Ok(wrong.into_result(members)?)
}

/// The members that are asked for; none is a mistake.
pub fn chosen<'m>(
    members: &'m BTreeMap<ClusterName, ClusterEntry>,
    choice: &Choice,
) -> Result<Vec<&'m ClusterEntry>, Failure> {
    let asked = choice.labels();
    let has = |entry: &&ClusterEntry| {
        let labels = entry.plain_labels();
        asked.iter().all(|pair| labels.get(&pair.label) == Some(&pair.value))
    };
    let found: Vec<&ClusterEntry> = members.values().filter(has).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    Err(nobody(match asked.is_empty() {
        true => "the fleet has no cluster".to_owned(),
        false => format!("no cluster has {}", labelled(choice)),
    }))
}

/// `env=prod and pool=a`.
fn labelled(choice: &Choice) -> String {
    let words: Vec<String> = choice.labels().iter().map(|p| format!("{}={}", p.label, p.value)).collect();
    words.join(" and ")
}

fn nobody(sentence: String) -> Failure {
    let finding = Finding::error(&codes::NO_SUCH_THING, sentence).next("tidegate cluster list");
    Failure::new(Code::NothingSelected, finding)
}

/// Where the clusters that are asked for stand, and the newest release.
async fn standings(
    choice: &Choice,
    context: &Context<'_>,
) -> Result<(Option<ReleaseId>, Vec<Standing>), Failure> {
    let (catalog, members) = members(context).await?;
    let open = context.place.existing_journal().await?;
    let state = open.as_ref().map(|open| open.follower.state());
    let standings = Standings::of(&catalog, state, context.place.now());
    let found = chosen(&members, choice)?.into_iter().map(|entry| standings.cluster(entry)).collect();
    Ok((standings.newest().cloned(), found))
}

/// `cluster list`.
pub async fn list(args: &ClusterList, context: &Context<'_>) -> Outcome {
    let (_, items) = standings(&args.choice, context).await?;
    context.surface.show(&List::whole(items), context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// `cluster matrix`.
pub async fn matrix(args: &ClusterMatrix, context: &Context<'_>) -> Outcome {
    let (newest, clusters) = standings(&args.choice, context).await?;
    let products = clusters.iter().flat_map(|cluster| cluster.products.keys()).map(ProductName::as_str);
    all_known("product on these clusters", args.products.iter().map(ProductName::as_str), products)?;
    let group = match args.group.as_slice() {
        [] => None,
        [only] if only == "cluster" => Some(Vec::new()),
        labels => {
            let known = clusters.iter().flat_map(|c| c.labels.keys()).map(String::as_str);
            all_known("label on these clusters", labels.iter().map(String::as_str), known)?;
            Some(labels.to_vec())
        }
    };
    let screen = MatrixScreen::of(newest, clusters, &args.products, group);
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// `cluster drift`.
pub async fn drift(args: &ClusterDrift, context: &Context<'_>) -> Outcome {
    context.place.asks_clusters()?;
    let (_, members) = members(context).await?;
    let known = members.keys().map(ClusterName::as_str);
    all_known("cluster", args.clusters.iter().map(ClusterName::as_str), known)?;
    let mut asked = chosen(&members, &args.choice)?;
    asked.retain(|entry| args.clusters.is_empty() || args.clusters.contains(&entry.name.value));
    if asked.is_empty() {
        let names: Vec<&str> = args.clusters.iter().map(ClusterName::as_str).collect();
        return Err(nobody(format!("none of {} has {}", names.join(", "), labelled(&args.choice))));
    }
    let git = context.place.repository().await?;
    let open = context.place.journal().await?;
    let world = context.place.world(&git, &open);
    let actor = context.place.actor().await;
    let found = drift::fleet(&world, &context.place.times()?, open.follower.state(), &asked).await;
    let events = found
        .iter()
        .filter_map(|look| Some(NewEvent { at: look.at, actor: actor.clone(), body: look.event()? }));
    append_facts(&world, events.collect())
        .await
        .map_err(|fault| Failure::outside("what was found can't be recorded", &fault))?;
    let lost = |look: &drift::ClusterDrift| {
        let cause = look.unreachable.as_ref()?;
        let sentence = format!("{} can't be looked at: {cause}", look.cluster);
        Some(Warning::missing(format!("cluster {}", look.cluster), sentence))
    };
    let warnings: Vec<Warning> = found.iter().filter_map(lost).collect();
    let mut codes = vec![Code::Done];
    if !warnings.is_empty() {
        codes.push(Code::Unreachable);
    }
    if args.exit_code && found.iter().any(|look| !look.differences.is_empty()) {
        codes.push(Code::ChangesPending);
    }
    context.surface.show(&List::whole(found), context.place.now(), &warnings, codes.clone());
    Ok(codes)
}

/// That every name that was asked for is among the known ones.
fn all_known<'n>(
    what: &str,
    asked: impl Iterator<Item = &'n str>,
    known: impl Iterator<Item = &'n str>,
) -> Result<(), Failure> {
    let known: BTreeSet<&str> = known.collect();
    for name in asked {
        if !known.contains(name) {
            return Err(Failure::missing(what, name, known));
        }
    }
    Ok(())
}
