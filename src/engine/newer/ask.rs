//! The sources are asked, all at once: each thing once, however many products and clusters use it. How
//! politely, and for how long, is for the adapters; what does not answer is told as silent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;

use super::scans::Scanners;
use crate::diag::did_you_mean;
use crate::lcm::declared::{Declared, Item};
use crate::lcm::policies::Policies;
use crate::lcm::row::{Answers, InUse};
use crate::lcm::support::kubernetes::Provider;
use crate::lcm::upstream::{Answer, Known, Silence, Tags, Unanswered};
use crate::lcm::version::Scheme;
use crate::model::image::{Image, Repository};
use crate::port::upstream::{Charts, Forge, Offers, Registry, Support, Wanted};

/// How many questions are open at once; how many of them a host sees is for the adapters.
const AT_ONCE: usize = 512;

/// The sources.
#[derive(Clone)]
pub struct Upstreams {
    /// Registries of images.
    pub registry: Arc<dyn Registry>,
    /// Repositories of charts.
    pub charts: Arc<dyn Charts>,
    /// Forges.
    pub forge: Arc<dyn Forge>,
    /// Until when versions are supported.
    pub support: Arc<dyn Support>,
    /// Which versions of Kubernetes there are to be had.
    pub offers: Arc<dyn Offers>,
    /// Who knows of vulnerabilities.
    pub scanners: Scanners,
}

/// One question, with the things that its answer is about.
type Question<'a> = BoxFuture<'a, Vec<(Item, Result<Answer, Unanswered>)>>;

/// Asks about everything that is in use.
pub(super) async fn ask(used: &InUse, policies: &Policies, upstreams: &Upstreams) -> Answers {
    let running = used.running.iter().map(|one| &one.declared);
    let mut items: BTreeMap<&Item, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for one in used.declared.iter().chain(&used.released).chain(running) {
        items.entry(&one.item).or_default().extend(pinned(one));
    }
    let by_push = |one: &&Declared| {
        matches!(one.item, Item::Image(_))
            && matches!(policies.of_item(&one.product, &one.item).scheme, Scheme::Pushed)
    };
    let dated: BTreeSet<&Item> = used.declared.iter().filter(by_push).map(|one| &one.item).collect();
    let mut repositories: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut questions: Vec<Question<'_>> = Vec::new();
    for (item, digests) in items {
        let is_dated = dated.contains(item);
        match item {
            Item::Image(repository) => questions.push(Box::pin(async move {
                let wanted = match digests.is_empty() && !is_dated {
                    true => Wanted::Names,
                    false => Wanted::Digests,
                };
                let answer = tags(repository, wanted, &digests, &*upstreams.registry).await;
                vec![(item.clone(), answer)]
            })),
            Item::Tool(project) => questions.push(Box::pin(async move {
                let answer = upstreams.forge.tags(project).await.map(Answer::of);
                vec![(item.clone(), answer)]
            })),
            Item::Addon { provider, name } => questions.push(Box::pin(async move {
                vec![(item.clone(), addon(*provider, name, &*upstreams.offers).await)]
            })),
            Item::Chart { repository, name } => repositories.entry(repository).or_default().push(name),
            Item::Kubernetes(channel) => questions.push(Box::pin(async move {
                vec![(item.clone(), kubernetes(channel, &*upstreams.offers).await)]
            })),
        }
    }
    for (repository, names) in repositories {
        questions.push(Box::pin(charts(repository, names, &*upstreams.charts)));
    }
    futures::stream::iter(questions)
        .buffer_unordered(AT_ONCE)
        .map(futures::stream::iter)
        .flatten()
        .collect()
        .await
}

/// The versions that a channel or a cloud offers: minors, and full ones.
async fn kubernetes(channel: &str, offers: &dyn Offers) -> Result<Answer, Unanswered> {
    let Some(provider) = Provider::of_channel(channel) else {
        let message =
            format!("there is no channel `{channel}` of Kubernetes: expected stable, eks, aks or gke");
        return Err(Unanswered::new(Silence::Missing, message));
    };
    let offered = offers.versions(provider).await?;
    let usable = offered.of_channel(channel).map_err(|why| Unanswered::new(Silence::Missing, why))?;
    let mut tags = BTreeSet::new();
    for version in usable {
        tags.insert(version.version.minor().to_string());
        let full = std::iter::once(&version.version).chain(&version.patch).map(ToString::to_string);
        tags.extend(full.filter(|text| text.split('.').count() > 2));
    }
    let mut answer = Answer::of(Arc::new(tags.into_iter().collect()));
    answer.notes.extend(offered.problems.iter().cloned());
    Ok(answer)
}

/// The versions of a cloud's add-on, with what they go with.
async fn addon(provider: Provider, name: &str, offers: &dyn Offers) -> Result<Answer, Unanswered> {
    let told = offers.addons(provider).await?;
    let Some(addon) = told.get(name) else {
        let known: Vec<&str> = told.all.iter().map(|addon| addon.name.as_str()).collect();
        let message = format!("{provider} tells of no add-on `{name}`");
        let near = did_you_mean(name, known.iter().copied());
        let message = near.map_or(message.clone(), |near| format!("{message}; did you mean `{near}`?"));
        return Err(Unanswered::new(Silence::Missing, message));
    };
    let tags = addon.versions.iter().map(|one| one.version.as_str()).collect();
    Ok(Answer { addon: addon.versions.clone(), ..Answer::of(Arc::new(tags)) })
}

/// The tag and digest of a use that says both.
fn pinned(one: &Declared) -> Option<(&str, &str)> {
    Some((one.version.as_deref().unwrap_or_default(), one.digest.as_deref()?))
}

/// The tags of a repository, and what those that are used with a digest name now. A registry whose listing
/// does not tell that is asked once more for each of them.
async fn tags(
    repository: &Repository,
    wanted: Wanted,
    digests: &BTreeSet<(&str, &str)>,
    registry: &dyn Registry,
) -> Result<Answer, Unanswered> {
    let (tags, copies) = futures::join!(registry.tags(repository, wanted), registry.copies(repository));
    let tags = tags?;
    let mut answer = Answer::of(Arc::clone(&tags));
    match copies {
        Some(Ok(tags)) => answer.mirrored = Some(tags),
        // It answered, and has nothing of it.
        Some(Err(silent)) if silent.why == Silence::Missing => answer.mirrored = Some(Arc::default()),
        Some(Err(silent)) => answer.silent_mirror = Some(silent),
        None => {}
    }
    let mut learned: BTreeMap<String, Known> = BTreeMap::new();
    for (tag, digest) in digests {
        if tag.is_empty() || !tags.iter().any(|listed| listed == *tag) {
            continue;
        }
        // One tag, many digests that run: its platforms are asked for once.
        let told = |known: &Known| known.digest.as_deref() == Some(digest) || !known.children.is_empty();
        if learned.get(*tag).is_some_and(told) {
            continue;
        }
        match now(repository, tag, digest, &tags, registry).await {
            Ok(Some(known)) => _ = learned.insert((*tag).to_owned(), known),
            Ok(None) => {}
            Err(silent) => answer.notes.push(format!("what {tag} names now is not known: {silent}")),
        }
    }
    if !learned.is_empty() {
        let mut tags = Tags::clone(&tags);
        tags.known.extend(learned);
        answer.tags = Arc::new(tags);
    }
    Ok(answer)
}

/// What a tag that is listed names now, unless the listing told it in full; `digest` is what is in use.
///
/// # Errors
/// When the registry gives no answer.
pub async fn now(
    repository: &Repository,
    tag: &str,
    digest: &str,
    tags: &Tags,
    registry: &dyn Registry,
) -> Result<Option<Known>, Unanswered> {
    let image = Image { repository: repository.clone(), tag: Some(tag.to_owned()), digest: None };
    let listed = tags.known.get(tag).cloned().unwrap_or_default();
    let named = match &listed.digest {
        Some(named) => named.clone(),
        None => registry.digest(&image).await?,
    };
    if named == digest || !listed.children.is_empty() {
        return Ok(listed.digest.is_none().then_some(Known { digest: Some(named), ..listed }));
    }
    // What runs may be the digest of a platform.
    let children = registry.platforms(&image).await?;
    Ok(Some(Known { digest: Some(named), children, ..listed }))
}

/// The versions of some charts of a repository.
async fn charts(
    repository: &str,
    names: Vec<&str>,
    charts: &dyn Charts,
) -> Vec<(Item, Result<Answer, Unanswered>)> {
    let item = |name: &str| Item::Chart { repository: repository.to_owned(), name: name.to_owned() };
    let mut listed = match charts.versions(repository, &names).await {
        Ok(listed) => listed,
        Err(silent) => return names.into_iter().map(|name| (item(name), Err(silent.clone()))).collect(),
    };
    let mut answer = |name: &str| -> Result<Answer, Unanswered> {
        let missing = || Unanswered::new(Silence::Missing, format!("{repository} lists no chart `{name}`"));
        let chart = listed.remove(name).unwrap_or_else(|| Err(missing()))?;
        let mut notes: Vec<String> = Vec::new();
        if let Some(problem) = chart.problems.first() {
            let (count, index) = (chart.unreadable, problem.index);
            notes.push(format!(
                "versions that can't be read: {count}; the first is number {index}: {}",
                problem.reason
            ));
        }
        Ok(Answer { entries: chart.entries, notes, ..Answer::default() })
    };
    names.into_iter().map(|name| (item(name), answer(name))).collect()
}
