//! "Not now" as a command: the thing is found among what products declare, and a file says who puts it off, why
//! and until when. What that means for the report is for `lcm`.

use serde::Serialize;

use crate::catalog::{self, Catalog, FOLDERS};
use crate::diag::{Finding, Findings, codes};
use crate::lcm::declared::{self, Item, KUBERNETES};
use crate::lcm::deferred::is_comparable;
use crate::lcm::policies::Policies;
use crate::model::{DeferralId, Expiry, ProductName, whole_second};

use super::{RepoError, Repository, quoted, writing};

/// What a deferral is to say.
#[derive(Debug, Clone)]
pub struct DeferralRequest {
    /// Its id; the next free `DEFER-N` if absent.
    pub id: Option<DeferralId>,
    /// A product, or one of the things that products declare: by its whole name, or the last part of that.
    pub thing: String,
    /// The product that the thing is of; needed where several have it.
    pub product: Option<ProductName>,
    /// The highest version that waits.
    pub up_to: Option<String>,
    /// The team that answers for it; the product's if absent.
    pub owner: Option<String>,
    /// Why it can wait.
    pub reason: String,
    /// Its end.
    pub until: Expiry,
}

/// A deferral that was written.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeferralAdded {
    /// Its id.
    pub id: DeferralId,
    /// The product.
    pub product: String,
    /// The one thing of it that waits; all of them if absent.
    pub thing: Option<String>,
    /// The highest version that waits.
    pub up_to: Option<String>,
    /// The team that answers for it.
    pub owner: String,
    /// Why it can wait.
    pub reason: String,
    /// Its end, as written.
    pub until: String,
    /// Its file.
    pub file: String,
    /// Warnings.
    pub findings: Findings,
}

/// Puts something off: writes `pipelines/deferrals/ID.yaml`.
///
/// # Errors
/// When nothing has that name, several things have it, the end has passed, the id is taken, nobody owns it, or
/// the file would have a mistake; nothing is written then.
pub async fn defer(
    repo: &Repository,
    request: &DeferralRequest,
    now: jiff::Timestamp,
) -> Result<DeferralAdded, RepoError> {
    let tree = repo.trees.working(&FOLDERS).await?;
    let (before, _) = catalog::load(&tree);
    if let Some(finding) = writing::passed(&request.until, now) {
        return Err(finding.into());
    }
    let found = thing(&before, request)?;
    if let Some(finding) = incomparable(&before, request, &found) {
        return Err(finding.into());
    }
    let id = match &request.id {
        Some(id) => id.clone(),
        None => writing::next_id("DEFER-", before.deferrals.keys().map(DeferralId::as_str))?,
    };
    let file = format!("pipelines/deferrals/{id}.yaml");
    if tree.get(&file).is_some() {
        let finding = Finding::error(&codes::DUPLICATE_NAME, format!("`{file}` is there already"));
        return Err(finding.hint("choose another id, or leave it out: the next free one is taken").into());
    }
    let owner = request.owner.clone().or(found.owner).ok_or_else(|| {
        let finding = Finding::error(&codes::USAGE, "nobody owns Kubernetes here");
        finding.hint("add `--owner TEAM`")
    })?;
    let text = text(&id, request, (&found.product, found.item.as_ref()), &owner, now);
    let findings = writing::checked(tree, &file, &text)?;
    repo.trees.write(&file, &text).await?;
    Ok(DeferralAdded {
        id,
        product: found.product,
        thing: found.item.map(|item| item.to_string()),
        up_to: request.up_to.clone(),
        owner,
        reason: request.reason.clone(),
        until: request.until.to_string(),
        file,
        findings,
    })
}

/// A product, or one thing of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    product: String,
    owner: Option<String>,
    item: Option<Item>,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.item {
            Some(item) => write!(f, "{item} of {}", self.product),
            None => f.write_str(&self.product),
        }
    }
}

/// What is meant: a thing by its whole name, else a product, else a thing by the last part of its name.
fn thing(catalog: &Catalog, request: &DeferralRequest) -> Result<Found, Box<Finding>> {
    let (named, all) = (request.thing.as_str(), all(catalog, request.product.as_ref()));
    let is = |one: &Found, fits: &dyn Fn(&Item) -> bool| one.item.as_ref().is_some_and(fits);
    let mut found: Vec<&Found> =
        all.iter().filter(|one| is(one, &|item| item.to_string() == named)).collect();
    if found.is_empty() {
        found = all.iter().filter(|one| one.item.is_none() && one.product == named).collect();
    }
    if found.is_empty() {
        found = all.iter().filter(|one| is(one, &|item| item.short() == named)).collect();
    }
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(Box::new(unknown(named, &all))),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let message = format!("`{named}` may be each of {}", names.join(", "));
            let hint = "give its whole name, or add `--product PRODUCT`";
            Err(Box::new(Finding::error(&codes::USAGE, message).hint(hint)))
        }
    }
}

/// What is wrong with a highest version that nothing of what waits can be compared with.
fn incomparable(catalog: &Catalog, request: &DeferralRequest, found: &Found) -> Option<Finding> {
    let up_to = request.up_to.as_deref()?;
    let (policies, _) = Policies::of(catalog);
    let own = declared::of(catalog).into_iter().filter(|one| one.product == found.product);
    let mut items: Vec<Item> = match &found.item {
        Some(item) => vec![item.clone()],
        None => own.map(|one| one.item).collect(),
    };
    if found.product == KUBERNETES {
        items.push(Item::Kubernetes("stable".to_owned()));
    }
    let fits = |item: &Item| is_comparable(up_to, &policies.of_item(&found.product, item));
    let message = || format!("`{up_to}` is no version that {found} can be compared with");
    let hint = "give the highest version that waits, or leave `--up-to` out";
    (!items.is_empty() && !items.iter().any(fits))
        .then(|| Finding::error(&codes::USAGE, message()).hint(hint).next("tidegate lcm report"))
}

/// Everything that may be put off: the products and their things, of one product if that is said.
fn all(catalog: &Catalog, product: Option<&ProductName>) -> Vec<Found> {
    let things = declared::of(catalog).into_iter().filter(|one| !matches!(one.item, Item::Kubernetes(_)));
    let mut all: Vec<Found> = things
        .map(|one| Found { product: one.product, owner: Some(one.owner), item: Some(one.item) })
        .collect();
    all.extend(catalog.products.iter().map(|(name, source)| Found {
        product: name.to_string(),
        owner: Some(source.file.spec.owner.value.clone()),
        item: None,
    }));
    all.push(Found { product: KUBERNETES.to_owned(), owner: None, item: None });
    all.retain(|one| product.is_none_or(|product| product.as_str() == one.product));
    all.sort();
    all.dedup();
    all
}

fn unknown(named: &str, all: &[Found]) -> Finding {
    let items = all.iter().filter_map(|one| one.item.as_ref());
    let mut known: Vec<String> = items.flat_map(|item| [item.to_string(), item.short().to_owned()]).collect();
    known.extend(all.iter().map(|one| one.product.clone()));
    let message = format!("no product declares `{named}`, and none is called so");
    Finding::error(&codes::NO_SUCH_THING, message)
        .did_you_mean(named, known.iter().map(String::as_str))
        .next("tidegate lcm report")
}

fn text(
    id: &DeferralId,
    request: &DeferralRequest,
    (product, item): (&str, Option<&Item>),
    owner: &str,
    now: jiff::Timestamp,
) -> String {
    let what = match item {
        Some(Item::Image(repository)) => Some(("image", repository.to_string())),
        Some(Item::Chart { name, .. }) => Some(("chart", name.clone())),
        Some(Item::Tool(project)) => Some(("tool", project.to_string())),
        Some(addon @ Item::Addon { .. }) => Some(("addon", addon.to_string())),
        Some(Item::Kubernetes(_)) | None => None,
    };
    let fields = [
        Some(("product", product.to_owned())),
        what,
        request.up_to.clone().map(|version| ("upTo", version)),
        Some(("owner", owner.to_owned())),
        Some(("reason", request.reason.clone())),
        Some(("created", whole_second(now).to_string())),
        Some(("until", request.until.to_string())),
    ];
    let lines = fields.into_iter().flatten().map(|(key, value)| format!("  {key}: {}\n", quoted(&value)));
    format!(
        "apiVersion: tidegate.dev/v1\nkind: Deferral\nmetadata:\n  name: {}\nspec:\n{}",
        quoted(id.as_str()),
        lines.collect::<String>()
    )
}

#[cfg(test)]
#[path = "deferral_tests.rs"]
mod tests;
