//! What is found out about a bump for those who decide: the sources are asked as for the weekly report, about
//! one thing alone. Whoever gives no answer is told as silent; nothing of it stops a request.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::diag::count;
use crate::engine::newer::{self, Looked, Upstreams};
use crate::engine::repo::Bumped;
use crate::lcm::bump::{Moving, Part};
use crate::lcm::declared::{Declared, Item, addon_of};
use crate::lcm::policies::Policies;
use crate::lcm::policy::Policy;
use crate::lcm::projects::Projects;
use crate::lcm::row::{Answers, InUse};
use crate::lcm::support::known::Window;
use crate::lcm::upstream::Project;
use crate::model::image::Image;
use crate::report::proposal::{Evidence, Uses};
use crate::report::weekly::{self, Fleet, security};
use crate::version::KubeVersion;

/// Who is asked, and what is known already.
pub struct Sources<'a> {
    /// The platform's files.
    pub catalog: &'a Catalog,
    /// What is in use.
    pub used: InUse,
    /// The clusters of the fleet; none if that is not known.
    pub clusters: Option<usize>,
    /// The sources.
    pub upstreams: &'a Upstreams,
    /// Now.
    pub now: Timestamp,
}

/// Finds out what is known of a bump.
pub async fn evidence(sources: Sources<'_>, bumped: &Bumped) -> Evidence {
    let Sources { catalog, mut used, clusters, upstreams, now } = sources;
    let product = bumped.product.as_str();
    let item = item(&used, product, &bumped.source);
    let kubernetes = std::mem::take(&mut used.kubernetes);
    let mut evidence = Evidence {
        uses: Uses { clusters },
        kubernetes: of_fleet(&kubernetes),
        digest: digest(bumped, upstreams).await,
        ..Evidence::default()
    };
    let Some(item) = item else { return evidence };
    used.kubernetes = kubernetes;
    narrow(&mut used, product, &item);
    let (policies, _) = Policies::of(catalog);
    let (projects, _) = Projects::of(catalog);
    let own = catalog.support.as_ref().map(|loaded| &loaded.file.spec);
    let Looked { answers, mut rows, mut learned, scanned } =
        newer::look(&used, &policies, &projects, own, upstreams).await;
    if let Some(project) = projects.of_item(product, &item)
        && !learned.material.releases.contains_key(project)
    {
        let released = upstreams.forge.releases(project).await;
        learned.material.releases.insert(project.clone(), released);
    }
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let policy = |product: &str, item: &Item| -> Policy { policies.of_item(product, item) };
    learned.material.complete(&mut rows, &answers, &projects, &policy, today);
    let own_policy = policy(product, &item);
    let step = (bumped.from.as_str(), bumped.to.as_str());
    if step.0 != step.1 {
        let changes = learned.material.between((product, &item), step, &answers, &projects, &own_policy);
        evidence.changes = Some(changes);
    }
    for version in BTreeSet::from([step.0, step.1]) {
        let known = |window: &Window| matches!(window, Window::Known { .. });
        if let Some(window) = learned.material.window_of(&item, version, &answers, today).filter(known) {
            evidence.support.push((version.to_owned(), window.words()));
        }
    }
    evidence.kubernetes.extend(admission(&item, &bumped.to, &answers, &used.kubernetes));
    evidence
        .silent
        .extend(answers.values().filter_map(|answer| answer.as_ref().err()).map(ToString::to_string));
    evidence.silent.extend(learned.silent.iter().map(|(who, why)| format!("{who}: {why}")));
    evidence.silent.extend(scanned.silent.iter().map(|(who, why)| format!("{who}: {why}")));
    let mut report = weekly::of(&rows, [product], None, Fleet::default(), &[], now);
    let acceptances = catalog.acceptances.iter().map(|(id, loaded)| (id, &loaded.file.spec));
    security::tell(&mut report, &security::pairs(&rows, &used), &scanned.looked, acceptances, now);
    evidence.thing = report.products.into_iter().flat_map(|product| product.things).next();
    evidence
}

/// The thing that moves, as the product declares it.
fn item(used: &InUse, product: &str, moving: &Moving) -> Option<Item> {
    let is = |item: &Item| match (moving, item) {
        (Moving::Image(wanted), Item::Image(repository)) => wanted == repository,
        (Moving::Chart(wanted), Item::Chart { name, .. }) => wanted == name,
        (Moving::Tool(wanted), Item::Tool(project)) => *wanted == project.to_string(),
        (Moving::Addon(wanted), Item::Addon { .. }) => *wanted == item.to_string(),
        _ => false,
    };
    let own = used.declared.iter().filter(|one| one.product == product);
    own.map(|one| &one.item).find(|item| is(item)).cloned().or_else(|| match moving {
        Moving::Image(repository) => Some(Item::Image(repository.clone())),
        Moving::Tool(project) => project.parse::<Project>().ok().map(Item::Tool),
        Moving::Addon(name) => addon_of(name),
        // Nobody said which repository has it.
        Moving::Chart(_) => None,
    })
}

fn narrow(used: &mut InUse, product: &str, item: &Item) {
    let wanted = |one: &Declared| one.product == product && one.item == *item;
    used.declared.retain(wanted);
    used.released.retain(wanted);
    used.running.retain(|one| wanted(&one.declared));
}

/// The versions that the fleet has.
fn of_fleet(kubernetes: &BTreeSet<KubeVersion>) -> Vec<String> {
    let versions: Vec<String> = kubernetes.iter().map(ToString::to_string).collect();
    if versions.is_empty() { Vec::new() } else { vec![format!("the fleet has {}", versions.join(", "))] }
}

/// What a chart's new version says of the fleet's versions.
fn admission(item: &Item, to: &str, answers: &Answers, kubernetes: &BTreeSet<KubeVersion>) -> Option<String> {
    let Item::Chart { name, .. } = item else { return None };
    let answer = answers.get(item)?.as_ref().ok()?;
    let entry = answer.entries.iter().find(|entry| entry.version == to)?;
    let Some(range) = &entry.kube_version else {
        return Some(format!("{name} {to} names no range of versions"));
    };
    let admission = entry.admits(kubernetes);
    if let Some(why) = admission.unreadable {
        return Some(format!("{name} {to} asks for {range}, which can't be read: {why}"));
    }
    let refused: Vec<String> = admission.refused.iter().map(ToString::to_string).collect();
    Some(match refused.len() {
        0 => format!("{name} {to} asks for {range}: no version of the fleet is refused"),
        n => format!("{name} {to} asks for {range}: {} refused, {}", count(n, "version"), refused.join(", ")),
    })
}

/// The digest of the new version: that which is written, else what the registry says now.
async fn digest(bumped: &Bumped, upstreams: &Upstreams) -> Option<String> {
    let Moving::Image(repository) = &bumped.source else { return None };
    let written = bumped.edits.iter().find_map(|edit| match edit.part {
        Part::Digest => Some(edit.new.as_str()),
        _ => edit.new.split_once('@').map(|(_, digest)| digest),
    });
    if let Some(written) = written.filter(|text| text.contains(':')) {
        return Some(written.to_owned());
    }
    let image = Image { repository: repository.clone(), tag: Some(bumped.to.clone()), digest: None };
    upstreams.registry.digest(&image).await.ok()
}
