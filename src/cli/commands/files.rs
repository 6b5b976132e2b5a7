//! Commands on products and releases: what git and the working tree say, and what is written
//! there.

use super::{Context, bump, cluster};
use crate::cli::args::{ProductCommand, ProductTag, ReleaseCommand};
use crate::cli::failure::{Failure, Outcome, of_source, warnings};
use crate::diag::Findings;
use crate::engine::repo::{self, HotfixRequest, RepoError, Repository, TagState};
use crate::model::ClusterEntry;
use crate::output::Screen;
use crate::output::envelope::List;
use crate::output::exit::Code;
use crate::port::upstream::Registry;

/// `product`.
pub async fn product(command: ProductCommand, context: &Context<'_>) -> Outcome {
    let files = context.place.files().await?;
    match command {
        ProductCommand::List => {
            let (products, findings) = repo::product_list(&files).await?;
            show(context, &List::whole(products), &findings)
        }
        ProductCommand::Show(args) => {
            let product = repo::product_show(&files, &args.product).await?;
            show(context, &product, &product.findings)
        }
        ProductCommand::Tag(args) => tag(&args, &files, context).await,
        ProductCommand::Bump(args) => bump::run(*args, &files, context).await,
    }
}

/// Tags products one after another; the first that can't be tagged ends it.
async fn tag(args: &ProductTag, files: &Repository, context: &Context<'_>) -> Outcome {
    let mut products = args.products.clone();
    if args.all {
        let (rows, findings) = repo::product_list(files).await?;
        if findings.has_errors() {
            return Err(findings.into());
        }
        products = rows.into_iter().filter(|p| p.tag != TagState::Tagged).map(|p| p.name).collect();
    }
    let mut done = Vec::new();
    let mut findings = Findings::new();
    for product in &products {
        let tagged = repo::product_tag(files, product).await?;
        findings.extend(tagged.findings.clone());
        done.push(tagged);
    }
    show(context, &List::whole(done), &findings)
}

/// `release`.
pub async fn release(command: ReleaseCommand, context: &Context<'_>) -> Outcome {
    let files = context.place.files().await?;
    match command {
        ReleaseCommand::Cut(args) => {
            let registries = match args.resolve_images {
                true => Some(context.place.asking().await?.registries()),
                false => None,
            };
            let registry = registries.as_ref().map(|registries| registries as &dyn Registry);
            let cut = repo::release_cut(&files, &args.release, registry).await.map_err(of_registry)?;
            show(context, &cut, &cut.findings)
        }
        ReleaseCommand::Hotfix(args) => {
            let request = HotfixRequest {
                parent: args.parent,
                products: args.products.into_iter().map(|pair| (pair.product, pair.version)).collect(),
                includes: args.includes,
                lane: args.lane,
                id: args.id,
            };
            let written = repo::release_hotfix(&files, &request).await?;
            show(context, &written, &written.findings)
        }
        ReleaseCommand::Show(args) => {
            let release = repo::release_show(&files, &args.release).await?;
            let code = lock_code(&release.row.findings);
            show_as(context, &release, &release.row.findings, code)
        }
        ReleaseCommand::Diff(args) if args.cluster.is_some() => cluster::diff(&args, context).await,
        ReleaseCommand::Diff(args) => {
            let diff = repo::release_diff(&files, &args.from, &args.to).await?;
            show(context, &diff, &Findings::new())
        }
        ReleaseCommand::List => {
            let (releases, mut findings) = repo::release_list(&files).await?;
            findings.extend(releases.iter().flat_map(|r| r.findings.iter().cloned()));
            let code = lock_code(&findings);
            show_as(context, &List::whole(releases), &findings, code)
        }
    }
}

/// A registry that gave no answer has an exit code of its own.
fn of_registry(error: RepoError) -> Failure {
    let RepoError::Findings(findings) = error else { return error.into() };
    let exit = findings.errors().find_map(of_source);
    Failure { exit: exit.unwrap_or(Code::Invalid), findings }
}

/// A lock that does not belong to its release is told with exit code 3.
fn lock_code(findings: &Findings) -> Code {
    if findings.has_errors() { Code::Invalid } else { Code::Done }
}

/// The clusters that the fleet's source lists, if it has one.
pub(super) async fn sourced(
    files: &Repository,
    context: &Context<'_>,
) -> Result<Vec<ClusterEntry>, crate::cli::failure::Failure> {
    let (catalog, _) = repo::load(files).await?;
    match catalog.fleet.as_ref().and_then(|fleet| fleet.file.spec.source.as_ref()) {
        None => Ok(Vec::new()),
        Some(source) => context.place.members(&source.value).await,
    }
}

/// Tells findings, then shows the answer.
pub(super) fn show(context: &Context<'_>, screen: &impl Screen, findings: &Findings) -> Outcome {
    show_as(context, screen, findings, Code::Done)
}

fn show_as(context: &Context<'_>, screen: &impl Screen, findings: &Findings, code: Code) -> Outcome {
    context.surface.findings(findings);
    context.surface.show(screen, context.place.now(), &warnings(findings), [code]);
    Ok(vec![code])
}
