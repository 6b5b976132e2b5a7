//! `lcm report`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use super::super::{Context, fleet};
use super::{live, past::Before};
use crate::catalog::{self, Catalog};
use crate::cli::args::{LcmReport, MetricNames, WhenPackages};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::upstreams::Asking;
use crate::diag::{Finding, Severity, codes};
use crate::engine::newer::{Comparing, Learned, Looked, Scanned};
use crate::engine::{newer, repo};
use crate::lcm::answers::{KIND, Recorded};
use crate::lcm::deadlines;
use crate::lcm::declared::{Declared, Item};
use crate::lcm::deferred;
use crate::lcm::policies::Policies;
use crate::lcm::projects::Projects;
use crate::lcm::row::InUse;
use crate::lcm::support::course::Course;
use crate::lcm::support::known::Known;
use crate::model::{ClusterEntry, ClusterName, ReleaseId};
use crate::output::Format;
use crate::output::envelope::{API_VERSION, Warning};
use crate::output::exit::Code;
use crate::output::screens::OtherNames;
use crate::output::surface::Form;
use crate::report::course;
use crate::report::standing::{Standing, Standings};
use crate::report::weekly::{self, Fleet, Need, Weekly, security};
use crate::scan::vulnerabilities as scan;

/// Makes the report.
pub(super) async fn run(args: &LcmReport, context: &Context<'_>) -> Outcome {
    let has_other_names = other_names(args, context)?;
    let files = context.place.files().await?;
    let (catalog, mut findings) = repo::load(&files).await?;
    let (policies, wrong) = Policies::of(&catalog);
    findings.extend(wrong);
    let (projects, wrong) = Projects::of(&catalog);
    findings.extend(wrong);
    // Of all that `check` finds, what this report reads.
    findings.extend(catalog::check(&catalog).into_iter().filter(is_read));
    if findings.has_errors() {
        return Err(Failure::invalid(findings));
    }
    known(args, &catalog)?;
    let mut before = Before::find(args, context).await?;
    let members = members(&catalog, context).await?;
    let mut seen = live::ask(args, &catalog, &members, context).await?;
    let (mut fleet, newest, course) = standings(&catalog, &members, context).await?;
    if let Some(seen) = &seen {
        seen.freshen(&mut fleet);
    }
    let mut gathered = newer::gather(&catalog, &fleet, newest.as_ref(), &*files.packages).await;
    if let Some(seen) = &mut seen {
        seen.replace(&mut gathered.used);
    }
    known_owners(args, &catalog, &gathered.used)?;
    narrow(args, &mut gathered.used);
    let own = catalog.support.as_ref().map(|loaded| &loaded.file.spec);
    let mut asked_at = None;
    let Looked { answers, mut rows, learned, scanned } = match &args.answers {
        Some(path) => {
            let mut recorded = recorded(path)?;
            asked_at = Some(recorded.at);
            let silent = recorded.silent();
            let asked = recorded.releases.len() + silent.len();
            let scanned = Scanned { looked: scans_of(&mut recorded, path)?, ..Scanned::default() };
            let (answers, mut material) = recorded.read().map_err(|why| unread(path, why))?;
            material.known = Known::new([], own);
            let rows = newer::rows(&policies, &gathered.used, &answers);
            Looked { answers, rows, learned: Learned { material, silent, asked }, scanned }
        }
        None => {
            let git = context.place.repository().await?;
            let sources = catalog.sources.as_ref().map(|loaded| &loaded.file);
            let most = context.place.globals().wait_timeout.map_or(args.within.std(), |most| most.std());
            let (begun, within) = (Instant::now(), Some(args.within.std().min(most)));
            let upstreams = Asking::of(&context.place, Some(git.root()), sources, within)?.upstreams();
            let mut looked = newer::look(&gathered.used, &policies, &projects, own, &upstreams).await;
            if wants_packages(args) {
                let with = Comparing {
                    catalog: &catalog,
                    kubernetes: &gathered.used.kubernetes,
                    renderer: &*context.place.renderer(),
                    within: args.within.std().saturating_sub(begun.elapsed()),
                };
                looked.learned.material.compared =
                    newer::compare(&looked.rows, &looked.answers, &upstreams, &with).await;
            }
            looked
        }
    };
    let silent = [&learned.silent[..], &scanned.silent].concat();
    let at = asked_at.unwrap_or_else(|| context.place.now());
    let mut recorded = Recorded::of(&answers, &learned.material, &silent, at);
    recorded.scans = of_scans(&scanned.looked);
    let policy = |product: &str, item: &Item| policies.of_item(product, item);
    let today = context.place.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    learned.material.complete(&mut rows, &answers, &projects, &policy, today);
    deadlines::put(&mut rows, &learned.material, &course, context.place.now());
    let files = catalog.deferrals.values().map(|loaded| &loaded.file);
    let mut deferrals = deferred::mark(&mut rows, files, &policy, context.place.now());
    if !args.product.is_empty() || !args.owner.is_empty() {
        // What others are about is not looked at.
        deferrals.idle.clear();
    }
    let asked = |name: &&str| args.product.is_empty() || args.product.iter().any(|one| one.as_str() == *name);
    let products = catalog.products.iter().filter(|(_, source)| owned(args, &source.file.spec.owner.value));
    let pins: Vec<_> = catalog.pins.values().map(|loaded| &loaded.file).collect();
    let unseen = fleet.iter().filter(|standing| standing.observed.is_none()).count();
    let mut report = weekly::of(
        &rows,
        products.map(|(name, _)| name.as_str()).filter(asked),
        gathered.release,
        Fleet { clusters: fleet.len(), unseen },
        &pins,
        context.place.now(),
    );
    let pairs = security::pairs(&rows, &gathered.used);
    let acceptances = catalog.acceptances.iter().map(|(id, loaded)| (id, &loaded.file.spec));
    security::tell(&mut report, &pairs, &scanned.looked, acceptances, context.place.now());
    report.deferrals = deferrals;
    report.live = seen.as_ref().map(live::told);
    let codes = codes(args, &report);
    report.answered_at = asked_at;
    report.sources.also(learned.asked, learned.silent);
    report.sources.also(scanned.asked, scanned.silent);
    let past = before.as_mut().map(|before| before.compare(&mut report, args, context));
    let warnings = warnings(&report, &gathered.lost);
    if !args.only.is_empty() {
        report.keep(&args.only.iter().map(|need| Need::from(*need)).collect());
    }
    for (what, why) in &gathered.lost {
        context.surface.aside(&format!("what {what} declares is not known: {why}"));
    }
    match has_other_names {
        true => {
            context.surface.show(&OtherNames(report), context.place.now(), &warnings, codes.clone());
        }
        false => context.surface.show(&report, context.place.now(), &warnings, codes.clone()),
    }
    // The report comes first: whoever can't have the file has that. Of one without any answer nothing is kept.
    if let (Some(before), Some(past), false) = (&before, &past, codes.contains(&Code::Unreachable)) {
        before.keep(past, context).await;
    }
    if let Some(path) = &args.save_answers {
        save(path, &recorded)?;
    }
    Ok(codes)
}

/// Whether metrics get the names of k8s-platform-lcm; there must be metrics, then.
fn other_names(args: &LcmReport, context: &Context<'_>) -> Result<bool, Failure> {
    if args.metric_names == MetricNames::Tidegate {
        return Ok(false);
    }
    if context.surface.format() != Format::Other(Form::Prometheus) {
        let finding = Finding::error(&codes::USAGE, "only metrics have names");
        let finding = finding.hint("add `-o prometheus`");
        return Err(Failure::new(
            Code::Usage,
            finding.next("tidegate lcm report -o prometheus --metric-names k8s-platform-lcm"),
        ));
    }
    Ok(true)
}

/// Whether packages are fetched: for a whole platform they are more than everything else that is asked.
fn wants_packages(args: &LcmReport) -> bool {
    match args.packages {
        WhenPackages::Auto => !args.product.is_empty(),
        WhenPackages::Always => true,
        WhenPackages::Never => false,
    }
}

/// Writes what was answered.
fn save(path: &Path, recorded: &Recorded) -> Result<(), Failure> {
    let document = serde_json::json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "generatedAt": recorded.at,
        "data": recorded,
    });
    std::fs::write(path, format!("{document:#}\n")).map_err(|error| {
        let message = format!("the answers can't be written to `{}`: {error}", path.display());
        Failure::new(Code::Unexpected, Finding::error(&codes::FILE_UNREADABLE, message))
    })
}

/// What was said about vulnerabilities, as it is kept; nothing where nobody was asked.
fn of_scans(looked: &scan::Looked) -> Option<serde_json::Value> {
    // Texts, numbers and lists of them always have a form in JSON.
    (!looked.is_empty()).then(|| serde_json::to_value(looked).unwrap_or_default())
}

/// What was said about vulnerabilities, as a file keeps it.
fn scans_of(recorded: &mut Recorded, path: &Path) -> Result<scan::Looked, Failure> {
    let kept = recorded.scans.take().map(serde_json::from_value).transpose();
    kept.map(Option::unwrap_or_default).map_err(|error| unread(path, format!("scans: {error}")))
}

/// Answers of a file.
fn recorded(path: &Path) -> Result<Recorded, Failure> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        api_version: String,
        kind: String,
    }
    #[derive(serde::Deserialize)]
    struct Document {
        data: Recorded,
    }
    let bytes = std::fs::read(path).map_err(|error| unread(path, error))?;
    let head: Head = serde_json::from_slice(&bytes).map_err(|error| unread(path, error))?;
    if head.kind != KIND || head.api_version != API_VERSION {
        let Head { api_version, kind } = head;
        let why =
            format!("it holds `{kind}` of `{api_version}`, where `{KIND}` of `{API_VERSION}` is expected");
        return Err(unread(path, why));
    }
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| unread(path, error))?;
    Ok(document.data)
}

fn unread(path: &Path, why: impl std::fmt::Display) -> Failure {
    let message = format!("{}: {why}", path.display());
    let finding = Finding::error(&codes::FILE_UNREADABLE, message);
    Failure::new(Code::Invalid, finding.next("tidegate lcm report --save-answers FILE"))
}

/// Whether a finding is about something that the report reads.
fn is_read(finding: &Finding) -> bool {
    let files = ["pipelines/sources.yaml", "pipelines/support.yaml"];
    let folders = ["pipelines/acceptances/", "pipelines/deferrals/"];
    let file = finding.place.as_ref().map(crate::diag::Place::file);
    finding.severity == Severity::Error
        && file.is_some_and(|file| {
            let is_form = finding.code == &codes::BAD_FIELD_FORM;
            files.contains(&file)
                || folders.iter().any(|folder| file.starts_with(folder))
                || is_form && file.starts_with("products/")
        })
}

/// That every product that was asked for is there.
fn known(args: &LcmReport, catalog: &Catalog) -> Result<(), Failure> {
    let products: BTreeSet<&str> = catalog.products.keys().map(|name| name.as_str()).collect();
    for product in &args.product {
        if !products.contains(product.as_str()) && product.as_str() != newer::KUBERNETES {
            return Err(Failure::missing("product", product.as_str(), products));
        }
    }
    Ok(())
}

/// That every team that was asked for owns something: a product, or what clusters say that it runs.
fn known_owners(args: &LcmReport, catalog: &Catalog, used: &InUse) -> Result<(), Failure> {
    let of_products = catalog.products.values().map(|source| source.file.spec.owner.value.as_str());
    let running = used.running.iter().map(|one| one.declared.owner.as_str());
    let owners: BTreeSet<&str> = of_products.chain(running).filter(|owner| !owner.is_empty()).collect();
    for owner in &args.owner {
        if !owners.contains(owner.as_str()) {
            return Err(Failure::missing("owner of a product", owner, owners));
        }
    }
    Ok(())
}

/// The clusters; a platform without a fleet has none.
pub(in crate::cli::commands) async fn members(
    catalog: &Catalog,
    context: &Context<'_>,
) -> Result<BTreeMap<ClusterName, ClusterEntry>, Failure> {
    match &catalog.fleet {
        Some(file) => fleet::members_of(&file.file.spec, context).await,
        None => Ok(BTreeMap::new()),
    }
}

/// Where the clusters stand, the newest release, and the course of an upgrade; a platform without a fleet has
/// none.
pub(in crate::cli::commands) async fn standings(
    catalog: &Catalog,
    members: &BTreeMap<ClusterName, ClusterEntry>,
    context: &Context<'_>,
) -> Result<(Vec<Standing>, Option<ReleaseId>, Course), Failure> {
    let open = context.place.existing_journal().await?;
    let state = open.as_ref().map(|open| open.follower.state());
    let standings = Standings::of(catalog, state, context.place.now());
    let found = members.values().map(|entry| standings.cluster(entry)).collect();
    Ok((found, standings.newest().cloned(), course::of(catalog, members, state)))
}

/// Leaves out what was not asked for, so that no source is asked about it.
fn narrow(args: &LcmReport, used: &mut InUse) {
    let wanted = |one: &Declared| {
        let named = args.product.is_empty() || args.product.iter().any(|name| name.as_str() == one.product);
        named && owned(args, &one.owner)
    };
    used.declared.retain(wanted);
    used.released.retain(wanted);
    used.running.retain(|one| wanted(&one.declared));
}

fn owned(args: &LcmReport, owner: &str) -> bool {
    args.owner.is_empty() || args.owner.iter().any(|one| one == owner)
}

/// The codes that apply. Where no source answered at all, there is no report to speak of.
fn codes(args: &LcmReport, report: &Weekly) -> Vec<Code> {
    let mut codes = vec![Code::Done];
    if report.sources.asked > 0 && report.sources.answered == 0 {
        codes.push(Code::Unreachable);
    }
    if args.exit_code {
        let any = |needs: &[Need]| needs.iter().any(|need| report.counts.contains_key(need));
        if any(&[Need::Now, Need::Soon]) {
            codes.push(Code::ChangesPending);
        }
        let mut things = report.products.iter().flat_map(|product| &product.things);
        let silent = report.live.iter().any(|live| !live.silent.is_empty());
        if silent || things.any(|thing| thing.need == Need::Unknown) {
            codes.push(Code::IncompleteEvidence);
        }
    }
    codes
}

/// What makes the report partial.
fn warnings(report: &Weekly, lost: &[(String, String)]) -> Vec<Warning> {
    let silent = report.sources.silent.iter().map(|one| Warning::missing(&one.thing, &one.why));
    let lost = lost
        .iter()
        .map(|(what, why)| Warning::missing(what, format!("what {what} declares is not known: {why}")));
    let clusters = report.live.iter().flat_map(|live| &live.silent);
    let clusters = clusters.map(|one| Warning::missing(format!("cluster {}", one.cluster), &one.why));
    silent.chain(lost).chain(clusters).collect()
}
