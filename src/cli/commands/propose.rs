//! `product bump --pr`: where the bump goes, who asks the forge, and what is shown of it. What is done in which
//! order is for `engine::propose`.

use super::{Context, files, lcm};
use crate::cli::args::ProductBump;
use crate::cli::commands::bump;
use crate::cli::failure::{Failure, Outcome, of_source};
use crate::cli::upstreams::Asking;
use crate::diag::{Finding, Findings, codes};
use crate::engine::newer;
use crate::engine::propose::{self, Done, ProposeError, Proposed, Requested, Sources, Target, Tip};
use crate::engine::repo::{self, BumpRequest, Bumped, Platform, Repository};
use crate::lcm::remote::{Home, Remote, RemoteError};
use crate::model::{File, ForgeKind, Tree};
use crate::output::exit::Code;
use crate::port::branches::Branches;
use crate::port::upstream::Registry;
use crate::report::proposal::{self, Bumping, Mark};

/// How long the sources may take to say what is known: it is worth having, and nobody waits for it longer.
const WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// Opens a request with a bump, or shows it.
pub(super) async fn run(args: ProductBump, files: &Repository, context: &Context<'_>) -> Outcome {
    let (remote, dry_run) = (args.remote.clone(), args.dry_run);
    let mut request = BumpRequest { writes: false, ..bump::asked(args, context) };
    let git = context.place.repository().await?;
    let here = Platform::working(files).await?;
    let home = home(&*git, &remote, &here).await?;
    let asking = context.place.asking_by(&here).await?;
    let requests = if dry_run {
        None
    } else {
        Some(asking.requests(&home).ok_or_else(|| no_token(&home, &asking.tokens(&home)))?)
    };
    let target = propose::target(&*git, &remote, &request.product).await.map_err(failure)?;
    let platform = Platform::at(files, &target.base).await?;
    let sources = here.catalog.sources.as_ref().map(|loaded| &loaded.file);
    let upstreams = Asking::of(&context.place, Some(git.root()), sources, Some(WITHIN))?.upstreams();
    let registry = &*upstreams.registry;
    let mut bumped = raised(files, (&platform, &here), &request, registry, &target).await?;
    let branch = proposal::branch(&bumped.product, &bumped.source, &bumped.to);
    let mark = Mark::of(&bumped.product, &bumped.source, &bumped.to, String::new());
    let tip = propose::tip(&*git, &target, &branch, &mark).await.map_err(failure)?;
    if let Some(on) = tip.on().filter(|on| *on != request.asked.on) {
        // The entry of the changelog keeps the day on which it was written.
        request.asked.on = on;
        bumped = raised(files, (&platform, &here), &request, registry, &target).await?;
    }
    warn_of_unfinished(&here, &platform, &bumped, &target, context);
    let fleet = async {
        let members = lcm::members(&platform.catalog, context).await?;
        lcm::standings(&platform.catalog, &members, context).await
    };
    let (fleet, newest, clusters) = match fleet.await {
        Ok((fleet, newest, _)) => {
            let clusters = fleet.len();
            (fleet, newest, Some(clusters))
        }
        Err(failure) => {
            context.surface.aside(&format!("the fleet is not known: {}", failure.findings.brief()));
            (Vec::new(), None, None)
        }
    };
    let gathered = newer::gather(&platform.catalog, &fleet, newest.as_ref(), &*files.packages).await;
    let (used, now) = (gathered.used, context.place.now());
    let sources = Sources { catalog: &platform.catalog, used, clusters, upstreams: &upstreams, now };
    let evidence = propose::evidence(sources, &bumped).await;
    let bumping = bumping(&bumped, &platform);
    let (title, body) = (proposal::title(&bumping), proposal::body(&bumping, &evidence, &home, &branch));
    let requested = match &requests {
        None => planned(&home, &target, branch, tip, (title, body)),
        Some(requests) => {
            let proposed = Proposed {
                product: &bumped.product,
                moving: &bumped.source,
                to: &bumped.to,
                branch: &branch,
                tip,
                files: tree(&bumped, &platform),
                title,
                body,
            };
            propose::put(&*git, requests, (&target, &home), proposed).await.map_err(failure)?
        }
    };
    bumped.request = Some(Box::new(requested));
    bumped.standpoint = bump::standpoint(context).await;
    files::show(context, &bumped, &bumped.findings)
}

/// The project that a remote's address names. An address that git rewrites to a folder is that which is written.
async fn home(git: &dyn Branches, remote: &str, here: &Platform) -> Result<Home, Failure> {
    let addresses = git.addresses(remote).await.map_err(|fault| {
        let finding = Finding::error(&codes::NO_FORGE, fault.message);
        Failure::new(Code::Invalid, finding.hint("`git remote -v` lists them; name one with `--remote`"))
    })?;
    let mut error = None;
    for address in addresses {
        let read = address.parse::<Remote>().and_then(|remote| {
            let named = named(here, &remote.host);
            remote.home(named)
        });
        match read {
            Ok(home) => return Ok(home),
            // That of the address that comes nearest to a project is told.
            Err(why @ RemoteError::Address(_)) => error = error.or(Some(why)),
            Err(why) => error = Some(why),
        }
    }
    let why = error.unwrap_or(RemoteError::Address(remote.to_owned()));
    let finding = Finding::error(&codes::NO_FORGE, format!("the remote `{remote}`: {why}"));
    let finding = match &why {
        RemoteError::Forge(host) => finding.hint(format!(
            "say it in pipelines/sources.yaml, under `spec.hosts`: `- {{ host: {host}, forge: gitlab }}`, or github"
        )),
        _ => finding.hint("another remote is named with `--remote`"),
    };
    Err(Failure::new(Code::Invalid, finding))
}

/// What the platform's files say that a host is.
fn named(here: &Platform, host: &str) -> Option<ForgeKind> {
    let hosts = here.catalog.sources.iter().flat_map(|loaded| &loaded.file.spec.hosts);
    let bare = host.split(':').next().unwrap_or(host);
    let mut fitting: Vec<_> =
        hosts.filter(|named| [host, bare].contains(&named.value.host.value.as_str())).collect();
    // The one with the port is meant, where there are both.
    fitting.sort_by_key(|named| std::cmp::Reverse(named.value.host.value.len()));
    fitting.into_iter().find_map(|named| named.value.forge)
}

/// Nobody said who asks; `names` are the variables that would.
fn no_token(home: &Home, names: &[&str]) -> Failure {
    let host = &home.remote.host;
    let finding = |message| {
        Finding::error(&codes::NO_FORGE_TOKEN, message)
            .hint("without one `--dry-run` shows what would be opened")
    };
    let finding = match names.first() {
        Some(first) => {
            let message = format!("nobody is known at {host}: {} is not set", names.join(" or "));
            finding(message).next(format!("export {first}=..."))
        }
        None => finding(format!("nothing says that GITLAB_TOKEN is for {host}: it is not shown there")).hint(
            format!(
                "say it in pipelines/sources.yaml, under `spec.hosts`: `- {{ host: {host}, forge: gitlab }}`"
            ),
        ),
    };
    Failure::new(Code::Forbidden, finding)
}

/// The bump of the files as the target has them.
async fn raised(
    files: &Repository,
    (platform, here): (&Platform, &Platform),
    request: &BumpRequest,
    registry: &dyn Registry,
    target: &Target,
) -> Result<Bumped, Failure> {
    let bumped = repo::product_bump(files, platform, request, Some(registry)).await;
    bumped.map_err(bump::failure).map_err(|failure| {
        let where_from =
            format!("looked at is `{}` of `{}`, which the request is for", target.into, target.remote);
        let is_here = here.catalog.products.contains_key(&request.product);
        let differs = is_here && !platform.catalog.products.contains_key(&request.product);
        let more =
            differs.then(|| "the product is only here: push it first, or bump it without `--pr`".to_owned());
        let told = |finding: Finding| {
            [Some(where_from.clone()), more.clone()].into_iter().flatten().fold(finding, Finding::hint)
        };
        Failure { findings: failure.findings.into_iter().map(told).collect::<Findings>(), ..failure }
    })
}

/// Says that what somebody has here and not there is not in the request.
fn warn_of_unfinished(
    here: &Platform,
    there: &Platform,
    bumped: &Bumped,
    target: &Target,
    context: &Context<'_>,
) {
    let folder = format!("products/{}", bumped.product);
    if here.tree.subtree(&folder) != there.tree.subtree(&folder) {
        let Target { remote, into, .. } = target;
        let told =
            format!("{folder} here is not as in `{into}` of `{remote}`; the bump is made of what is there");
        context.surface.aside(&told);
    }
}

fn bumping<'b>(bumped: &'b Bumped, platform: &'b Platform) -> Bumping<'b> {
    let product = platform.catalog.products.get(&bumped.product);
    Bumping {
        product: &bumped.product,
        owner: product.map_or("", |product| product.file.spec.owner.value.as_str()),
        source: &bumped.source,
        from: &bumped.from,
        to: &bumped.to,
        level: bumped.level,
        version: (&bumped.version_before, &bumped.version),
        edits: &bumped.edits,
        files: bumped.files.keys().map(String::as_str).collect(),
        left: &bumped.left,
        unlisted: bumped.unlisted,
    }
}

/// The new files; what could be run stays so.
fn tree(bumped: &Bumped, platform: &Platform) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in &bumped.files {
        let executable = platform.tree.get(path).is_some_and(|file| file.executable);
        tree.insert(path.as_str(), File { bytes: text.as_bytes().into(), executable });
    }
    tree
}

/// What would be done.
fn planned(
    home: &Home,
    target: &Target,
    branch: String,
    tip: Tip,
    (title, body): (String, String),
) -> Requested {
    let note = match tip {
        Tip::Absent => None,
        Tip::Merged { .. } => Some("the branch is there, and all of it was taken in".to_owned()),
        Tip::Ours { .. } => Some("the branch is there; what differs would be written anew".to_owned()),
        Tip::Shared { others, .. } => Some(format!("the branch is there, with commits of others: {others}")),
        Tip::Foreign { author, .. } => {
            Some(format!("the branch is there, and is not ours: it has a commit by {author}"))
        }
    };
    Requested {
        done: Done::Planned,
        noun: home.noun(),
        sign: home.sign(),
        url: None,
        number: None,
        branch,
        into: target.into.clone(),
        commit: None,
        title,
        body,
        notes: note.into_iter().collect(),
        others: Vec::new(),
    }
}

fn failure(error: ProposeError) -> Failure {
    match error {
        ProposeError::Conflict(finding) => Failure::new(Code::Conflict, *finding),
        ProposeError::Forbidden(finding) => Failure::new(Code::Forbidden, *finding),
        ProposeError::Unanswered(finding) => {
            Failure::new(of_source(&finding).unwrap_or(Code::Unreachable), *finding)
        }
        ProposeError::Fault(fault) => {
            let finding = Finding::error(&codes::OUTSIDE, fault.message);
            let hint = "git asks with its own credentials (an ssh key, a credential helper)";
            Failure::new(Code::Unreachable, finding.hint(hint))
        }
    }
}
