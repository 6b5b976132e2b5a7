//! Pins as commands: add one, locked by its tag and validated against everything its clusters are
//! to have; list them; remove one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::catalog::product::Content;
use crate::catalog::release::{self, is_reserved};
use crate::catalog::{self, Catalog, FOLDERS, fleet, pins};
use crate::diag::{Finding, Findings, codes};
use crate::digest::Digest;
use crate::model::{
    ClusterEntry, ClusterName, Expiry, File, Labels, Nearness, OnExpiry, PinFile, PinId, ProductName,
    ReleaseFile, ReleaseId, whole_second,
};
use crate::resolve::{self, Ground, Needed, ProductVersion};
use crate::version::Version;

use super::tag::{folder, tagged, unknown_product};
use super::{RepoError, Repository, quoted, read, writing};

/// What a pin is to say.
#[derive(Debug, Clone)]
pub struct PinRequest {
    /// Its id; the next free `PIN-N` if absent.
    pub id: Option<PinId>,
    /// The product.
    pub product: ProductName,
    /// Its version on these clusters; it must have a tag.
    pub version: Version,
    /// The clusters by name.
    pub clusters: Vec<ClusterName>,
    /// The clusters by label; all must hold.
    pub selector: Labels,
    /// The team that answers for it.
    pub owner: String,
    /// Why these clusters differ.
    pub reason: String,
    /// Its end.
    pub until: Expiry,
    /// What happens then.
    pub on_expiry: OnExpiry,
    /// The release that the clusters are to have with it; the newest that was cut if absent.
    pub release: Option<ReleaseId>,
}

/// A pin that was added.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PinAdded {
    /// As in the list.
    pub pin: PinRow,
    /// Its file.
    pub file: String,
    /// The release that its clusters were looked at with; none if no release was cut yet.
    pub release: Option<ReleaseId>,
    /// Warnings.
    pub findings: Findings,
}

/// A pin in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PinRow {
    /// Its id.
    pub id: PinId,
    /// The product.
    pub product: ProductName,
    /// The version.
    pub version: Version,
    /// The commit that holds it.
    pub commit: String,
    /// The content's digest.
    pub digest: Digest,
    /// The clusters that it is for, as far as the Fleet file lists them.
    pub clusters: Vec<ClusterName>,
    /// The team that answers for it.
    pub owner: String,
    /// Why these clusters differ.
    pub reason: String,
    /// When it was added, as written.
    pub created: Option<String>,
    /// Its end, as written.
    pub until: String,
    /// The moment of its end.
    pub ends: jiff::Timestamp,
    /// Whether that has passed.
    pub ended: bool,
    /// How near that is: `far`, `fortnight` (within 14 days), `week`, `day`, `ended`.
    pub nearness: Nearness,
    /// What happens then.
    pub on_expiry: OnExpiry,
}

/// Adds a pin: writes `pipelines/pins/ID.yaml`.
///
/// `sourced` are the clusters of the fleet's source, if it has one.
///
/// # Errors
/// When the product or version is unknown or has no tag, a cluster is unknown, the end has passed,
/// another pin holds the same product there, a file has mistakes or holds a literal secret, or what
/// one of the clusters is to have does not fit together with it; nothing is written then.
pub async fn pin_add(
    repo: &Repository,
    request: &PinRequest,
    sourced: Vec<ClusterEntry>,
    now: jiff::Timestamp,
) -> Result<PinAdded, RepoError> {
    let before = read::sound(repo).await?;
    let product = &request.product;
    let mut findings = Findings::new();
    findings.extend(writing::passed(&request.until, now));
    if is_reserved(product.as_str()) {
        findings.push(Finding::error(&codes::RESERVED_NAME, format!("`{product}` can't be pinned")));
    } else if !known(&before, product) {
        findings.push(unknown_product(&before, product));
    }
    let id = match &request.id {
        None => writing::next_id("PIN-", before.pins.keys().map(PinId::as_str))?,
        Some(id) => {
            if before.pins.contains_key(id) {
                findings.push(
                    Finding::error(&codes::PIN_EXISTS, format!("there is a pin `{id}` already"))
                        .next("tidegate pin list"),
                );
            }
            id.clone()
        }
    };
    findings.into_result(())?;
    let content = tagged(repo, product, &request.version, release::written(&before, product)).await?;
    content.content.check(&folder(product)).into_result(())?;
    let file = format!("pipelines/pins/{id}.yaml");
    let text = text(&id, request, &content.commit, &content.content.digest, now);

    let (catalog, members, mut findings) = looked_at(repo, &file, &text, sourced).await?;
    let clusters = clusters_of(&catalog, &id, &members);
    if clusters.is_empty() {
        return Err(Finding::error(&codes::SELECTS_NOTHING, "the pin would be for no cluster")
            .next("tidegate cluster list")
            .into());
    }
    let release = match &request.release {
        Some(asked) => Some(release::locked(&catalog, asked)?.id.clone()),
        None => release::newest(&catalog),
    };
    if let Some(release) = &release {
        findings.extend(fits(repo, &catalog, release, &clusters, &members, now).await?);
    } else {
        findings.push(Finding::warning(
            &codes::RELEASE_NOT_CUT,
            "no release was cut yet, so nothing says what else the clusters are to have",
        ));
    }
    repo.trees.write(&file, &text).await?;
    let Some(pin) = row(&catalog, &id, &members, now) else {
        return Err(unknown_pin(&catalog, &id).into());
    };
    Ok(PinAdded { pin, file, release, findings })
}

/// The catalog with a pin's new text in it, and its members: the pin is looked at as every file is, in
/// a tree that has it.
pub(super) async fn looked_at(
    repo: &Repository,
    file: &str,
    text: &str,
    sourced: Vec<ClusterEntry>,
) -> Result<(Catalog, BTreeMap<ClusterName, ClusterEntry>, Findings), RepoError> {
    let mut tree = repo.trees.working(&FOLDERS).await?;
    tree.insert(file, File { bytes: text.as_bytes().into(), executable: false });
    let (catalog, mut findings) = catalog::load(&tree);
    let fleet = catalog.fleet.as_ref().ok_or_else(|| {
        Finding::error(&codes::MISSING_FILE, "there is no fleet").hint("pipelines/fleet.yaml holds it")
    })?;
    let (members, _) = fleet::members(&fleet.spec, sourced);
    let about = |finding: &Finding| {
        let places = finding.place.iter().chain(finding.related.iter().map(|(place, _)| place));
        places.into_iter().any(|place| place.file() == file)
    };
    findings.extend(catalog::check_members(&catalog, &members).into_iter().filter(about));
    let findings = findings.clone().into_result(findings)?;
    Ok((catalog, members, findings))
}

/// Whether a product is in the working tree, or in a lock.
fn known(catalog: &Catalog, product: &ProductName) -> bool {
    catalog.products.contains_key(product)
        || catalog.releases.values().any(|loaded| {
            loaded.file.lock.as_ref().is_some_and(|lock| lock.value.products.contains_key(product))
        })
}

fn text(id: &PinId, request: &PinRequest, commit: &str, digest: &Digest, now: jiff::Timestamp) -> String {
    let mut text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Pin\nmetadata:\n  name: {}\nspec:\n  product: {}\n  version: {}\n  commit: {}\n  digest: {}\n",
        quoted(id.as_str()),
        quoted(request.product.as_str()),
        quoted(&request.version.to_string()),
        quoted(commit),
        quoted(&digest.to_string()),
    );
    if !request.clusters.is_empty() {
        let names: Vec<String> = request.clusters.iter().map(|name| quoted(name.as_str())).collect();
        text.push_str(&format!("  clusters: [{}]\n", names.join(", ")));
    }
    if !request.selector.is_empty() {
        let labels: Vec<String> = request
            .selector
            .iter()
            .map(|(label, value)| format!("{}: {}", quoted(label), quoted(value)))
            .collect();
        text.push_str(&format!("  selector: {{ {} }}\n", labels.join(", ")));
    }
    text.push_str(&format!(
        "  owner: {}\n  reason: {}\n  created: {}\n  expires: {}\n",
        quoted(&request.owner),
        quoted(&request.reason),
        quoted(&whole_second(now).to_string()),
        quoted(&request.until.to_string()),
    ));
    if request.on_expiry != OnExpiry::default() {
        text.push_str(&format!("  onExpiry: {}\n", request.on_expiry));
    }
    text
}

/// The members that a pin is for.
pub(super) fn clusters_of(
    catalog: &Catalog,
    id: &PinId,
    members: &BTreeMap<ClusterName, ClusterEntry>,
) -> BTreeSet<ClusterName> {
    let Some(loaded) = catalog.pins.get(id) else { return BTreeSet::new() };
    let pin = &loaded.spec;
    members
        .values()
        .filter(|entry| pin.selects(&entry.name.value, &entry.plain_labels()))
        .map(|entry| entry.name.value.clone())
        .collect()
}

/// Whether everything that the clusters are to have fits together, the new pin among it.
async fn fits(
    repo: &Repository,
    catalog: &Catalog,
    release: &ReleaseId,
    clusters: &BTreeSet<ClusterName>,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    now: jiff::Timestamp,
) -> Result<Findings, RepoError> {
    let locked = release::locked(catalog, release)?;
    let pins: Vec<&PinFile> = catalog.pins.values().map(|loaded| &loaded.file).collect();
    let releases: Vec<&ReleaseFile> = catalog.releases.values().map(|loaded| &loaded.file).collect();
    // Holds are the journal's, and this looks at files alone.
    let holds = BTreeMap::new();
    let needed = resolve::needed(&locked, &pins, &holds, [], now);
    let versions = contents(repo, needed).await?;
    let Some(fleet) = &catalog.fleet else { return Ok(Findings::new()) };
    let past_pins = BTreeMap::new();
    let ground = Ground {
        release: locked,
        releases: &releases,
        fleet: &fleet.file.spec,
        pins: &pins,
        holds: &holds,
        versions: &versions,
        past_pins: &past_pins,
        now,
    };
    let mut resolver = resolve::Resolver::new(ground);
    for entry in clusters.iter().filter_map(|name| members.get(name)) {
        resolver.cluster(entry, &entry.plain_labels(), None);
    }
    let findings = resolver.finish();
    Ok(findings.clone().into_result(findings)?)
}

/// The content of product versions, by product digest.
pub(super) async fn contents(
    repo: &Repository,
    needed: impl IntoIterator<Item = Needed>,
) -> Result<BTreeMap<Digest, ProductVersion>, RepoError> {
    let mut versions = BTreeMap::new();
    for needed in needed {
        let tree =
            repo.packages.fetch(&needed.product, &needed.version, &needed.commit, &needed.digest).await?;
        let content = Content::at(&tree, &folder(&needed.product))?;
        versions.insert(needed.digest, ProductVersion::from(&content));
    }
    Ok(versions)
}

/// Every pin of the working tree, those that end first in front; and what is wrong with the files.
///
/// # Errors
/// When the working tree can't be read.
pub async fn pin_list(repo: &Repository, now: jiff::Timestamp) -> Result<(Vec<PinRow>, Findings), RepoError> {
    let (catalog, mut findings) = read::load(repo).await?;
    findings.extend(pins::due(&catalog, now));
    let members = listed(&catalog);
    let mut ids: Vec<(jiff::Timestamp, &PinId)> =
        catalog.pins.iter().map(|(id, loaded)| (loaded.spec.expires.value.moment(), id)).collect();
    ids.sort();
    Ok((ids.into_iter().filter_map(|(_, id)| row(&catalog, id, &members, now)).collect(), findings))
}

/// Removes a pin's file; its clusters get the release's version with the next plan.
///
/// # Errors
/// When there is no such pin.
pub async fn pin_remove(repo: &Repository, id: &PinId, now: jiff::Timestamp) -> Result<PinRow, RepoError> {
    let (catalog, _) = read::load(repo).await?;
    let Some(row) = row(&catalog, id, &listed(&catalog), now) else {
        return Err(unknown_pin(&catalog, id).into());
    };
    repo.trees.remove(&format!("pipelines/pins/{id}.yaml")).await?;
    Ok(row)
}

pub(super) fn listed(catalog: &Catalog) -> BTreeMap<ClusterName, ClusterEntry> {
    catalog.fleet.as_ref().map(|fleet| fleet::members(&fleet.spec, Vec::new()).0).unwrap_or_default()
}

pub(super) fn unknown_pin(catalog: &Catalog, id: &PinId) -> Finding {
    Finding::error(&codes::UNKNOWN_PIN, format!("there is no pin `{id}`"))
        .did_you_mean(id.as_str(), catalog.pins.keys().map(PinId::as_str))
        .next("tidegate pin list")
}

pub(super) fn row(
    catalog: &Catalog,
    id: &PinId,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    now: jiff::Timestamp,
) -> Option<PinRow> {
    let pin = &catalog.pins.get(id)?.spec;
    Some(PinRow {
        id: id.clone(),
        product: pin.product.value.clone(),
        version: pin.version.value.clone(),
        commit: pin.commit.value.clone(),
        digest: pin.digest.value,
        clusters: clusters_of(catalog, id, members).into_iter().collect(),
        owner: pin.owner.value.clone(),
        reason: pin.reason.value.clone(),
        created: pin.created.as_ref().map(|created| created.value.to_string()),
        until: pin.expires.value.to_string(),
        ends: pin.expires.value.moment(),
        ended: pin.expires.value.passed(now),
        nearness: pin.nearness(now),
        on_expiry: pin.on_expiry.value,
    })
}
