//! `lcm accept`: an acceptance of vulnerabilities is written as a file, looked at as `check` looks at every
//! file, and never over one that is there. What it covers is for `scan`.

use serde::Serialize;

use super::{RepoError, Repository, quoted, writing};
use crate::catalog::{self, Catalog, FOLDERS};
use crate::diag::{Finding, codes};
use crate::model::image::Repository as ImageRepository;
use crate::model::{AcceptanceId, Expiry, ProductName, Tree, VulnerabilityId, whole_second};

/// What an acceptance is to say.
#[derive(Debug, Clone)]
pub struct AcceptRequest {
    /// Its id; the next free `RISK-N` if absent.
    pub id: Option<AcceptanceId>,
    /// The vulnerabilities.
    pub vulnerabilities: Vec<VulnerabilityId>,
    /// Only in images of these products.
    pub products: Vec<ProductName>,
    /// Only in images of these repositories.
    pub images: Vec<ImageRepository>,
    /// Only in these packages.
    pub packages: Vec<String>,
    /// The team that answers for it.
    pub owner: String,
    /// Why it can be lived with.
    pub reason: String,
    /// Its end.
    pub until: Expiry,
    /// Whether it is written, and not only shown.
    pub writes: bool,
}

/// An acceptance as it was written, or would be.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LcmAccepted {
    /// Its id.
    pub id: AcceptanceId,
    /// The vulnerabilities, each once.
    pub vulnerabilities: Vec<VulnerabilityId>,
    /// Only in images of these products; all, if there are none.
    pub products: Vec<ProductName>,
    /// Only in images of these repositories; all, if there are none.
    pub images: Vec<ImageRepository>,
    /// Only in these packages; all, if there are none.
    pub packages: Vec<String>,
    /// The team that answers for it.
    pub owner: String,
    /// Why it can be lived with.
    pub reason: String,
    /// Its end, as written.
    pub until: String,
    /// The moment of its end.
    pub ends: jiff::Timestamp,
    /// Its file.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// Whether it was written.
    pub written: bool,
}

/// Accepts vulnerabilities until a day: writes `pipelines/acceptances/ID.yaml`.
///
/// # Errors
/// When there is such an acceptance, the end has passed, a product is unknown, or the file would not pass
/// `check`; nothing is written then.
pub async fn lcm_accept(
    repo: &Repository,
    request: &AcceptRequest,
    now: jiff::Timestamp,
) -> Result<LcmAccepted, RepoError> {
    let tree = repo.trees.working(&FOLDERS).await?;
    let (catalog, _) = catalog::load(&tree);
    if let Some(finding) = writing::passed(&request.until, now) {
        return Err(finding.into());
    }
    let id = match &request.id {
        Some(id) => id.clone(),
        None => next_id(&catalog, &tree)?,
    };
    let file = path(&id);
    if tree.get(&file).is_some() || catalog.acceptances.contains_key(&id) {
        return Err(taken(&id, &file).into());
    }
    let mut accepted = LcmAccepted {
        id,
        vulnerabilities: once(&request.vulnerabilities),
        products: once(&request.products),
        images: once(&request.images),
        packages: once(&request.packages),
        owner: request.owner.clone(),
        reason: request.reason.clone(),
        until: request.until.to_string(),
        ends: request.until.moment(),
        file,
        text: String::new(),
        written: false,
    };
    accepted.text = text(&accepted, now);
    writing::checked(tree, &accepted.file, &accepted.text)?;
    if request.writes {
        repo.trees.write(&accepted.file, &accepted.text).await?;
        accepted.written = true;
    }
    Ok(accepted)
}

fn path(id: &AcceptanceId) -> String {
    format!("pipelines/acceptances/{id}.yaml")
}

/// The next `RISK-N` that neither an acceptance nor a file has.
fn next_id(catalog: &Catalog, tree: &Tree) -> Result<AcceptanceId, RepoError> {
    let known = catalog.acceptances.keys().map(AcceptanceId::as_str);
    let files = tree.below("pipelines/acceptances");
    let files = files.filter_map(|(path, _)| path.rsplit('/').next()?.strip_suffix(".yaml"));
    writing::next_id("RISK-", known.chain(files))
}

/// Each once, in the order in which they came.
fn once<T: Clone + PartialEq>(all: &[T]) -> Vec<T> {
    let mut some: Vec<T> = Vec::new();
    for one in all {
        if !some.contains(one) {
            some.push(one.clone());
        }
    }
    some
}

fn text(accepted: &LcmAccepted, now: jiff::Timestamp) -> String {
    let mut text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Acceptance\nmetadata:\n  name: {}\nspec:\n",
        quoted(accepted.id.as_str())
    );
    let mut list = |field: &str, words: Vec<String>| {
        if !words.is_empty() {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            text.push_str(&format!("  {field}: [{}]\n", words.join(", ")));
        }
    };
    list("vulnerabilities", accepted.vulnerabilities.iter().map(ToString::to_string).collect());
    list("products", accepted.products.iter().map(ToString::to_string).collect());
    list("images", accepted.images.iter().map(ToString::to_string).collect());
    list("packages", accepted.packages.clone());
    text.push_str(&format!(
        "  owner: {}\n  reason: {}\n  created: {}\n  expires: {}\n",
        quoted(&accepted.owner),
        quoted(&accepted.reason),
        quoted(&whole_second(now).to_string()),
        quoted(&accepted.until),
    ));
    text
}

fn taken(id: &AcceptanceId, file: &str) -> Finding {
    Finding::error(&codes::ACCEPTANCE_EXISTS, format!("`{file}` is there already; nothing was written"))
        .hint(format!("name another id than `{id}` with `--id`, or edit the file"))
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;
