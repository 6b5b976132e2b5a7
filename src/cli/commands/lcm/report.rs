//! `lcm report`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::{Context, fleet};
use super::{answered::Answered, live, past::Before};
use crate::catalog::{self, Catalog};
use crate::cli::args::{LcmReport, MetricNames};
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, Severity, codes};
use crate::engine::newer::{self, Gathered, Looked};
use crate::engine::repo::{self, Repository};
use crate::lcm::deadlines;
use crate::lcm::declared::{Declared, Item, KUBERNETES};
use crate::lcm::deferred;
use crate::lcm::policies::Policies;
use crate::lcm::projects::Projects;
use crate::lcm::row::InUse;
use crate::lcm::support::course::Course;
use crate::model::{ClusterEntry, ClusterName, ReleaseId};
use crate::output::Format;
use crate::output::envelope::Warning;
use crate::output::exit::Code;
use crate::output::screens::OtherNames;
use crate::output::surface::Form;
use crate::report::course;
use crate::report::standing::{Standing, Standings};
use crate::report::weekly::{self, Fleet, Need, Weekly, security};

/// Makes the report.
pub(super) async fn run(args: &LcmReport, context: &Context<'_>) -> Outcome {
    let has_other_names = other_names(args, context)?;
    let files = context.place.files().await?;
    let platform = Platform::load(&files).await?;
    let catalog = &platform.catalog;
    known(args, catalog)?;
    let mut before = Before::find(args, context).await?;
    let members = members(catalog, context).await?;
    let mut seen = live::ask(args, catalog, &members, context).await?;
    let (mut fleet, newest, course) = standings(catalog, &members, context).await?;
    if let Some(seen) = &seen {
        seen.freshen(&mut fleet);
    }
    let mut gathered = newer::gather(catalog, &fleet, newest.as_ref(), &*files.packages).await;
    if let Some(seen) = &mut seen {
        seen.replace(&mut gathered.used);
    }
    known_owners(args, catalog, &gathered.used)?;
    narrow(args, &mut gathered.used);
    fitting(args, catalog, &gathered.used)?;
    let mut answered = Answered::now_or_then(args, &platform, &gathered.used, context).await?;
    let now = context.place.now();
    complete(&mut answered.looked, &platform, &course, now);
    let policy = |product: &str, item: &Item| platform.policies.of_item(product, item);
    let deferrals = catalog.deferrals.values().map(|loaded| &loaded.file);
    let deferrals = deferred::mark(&mut answered.looked.rows, deferrals, &policy, now);
    let mut report = told(args, catalog, &gathered, &fleet, &answered.looked, now);
    report.deferrals = deferrals;
    if !args.product.is_empty() || !args.owner.is_empty() {
        // What others are about is not looked at.
        report.deferrals.idle.clear();
        security::leave_out(&mut report);
    }
    report.live = seen.as_ref().map(live::told);
    report.answered_at = answered.then;
    let codes = codes(args, &report);
    let Looked { learned, scanned, .. } = &answered.looked;
    report.sources.also(learned.asked, &learned.silent);
    report.sources.also(scanned.asked, &scanned.silent);
    let past = before.as_mut().map(|before| before.compare(&mut report, args, context));
    let mut warnings = warnings(&report, &gathered.lost);
    let unread = before.iter().filter_map(|before| before.unread.as_ref());
    warnings.extend(unread.map(|why| Warning::missing("past reports", why)));
    if codes.contains(&Code::Unreachable) {
        context.surface.talk(&format!("warning: {NOTHING_KNOWN}"));
        warnings.push(Warning { code: None, message: NOTHING_KNOWN.to_owned(), source: None });
    }
    if !args.only.is_empty() {
        report.keep(&args.only.iter().map(|need| Need::from(*need)).collect());
    }
    for (what, why) in &gathered.lost {
        context.surface.aside(&format!("what {what} declares is not known: {why}"));
    }
    match has_other_names {
        true => context.surface.show(&OtherNames(report), now, &warnings, codes.clone()),
        false => context.surface.show(&report, now, &warnings, codes.clone()),
    }
    // The report comes first: whoever can't have the file has that. Of one without any answer nothing is kept.
    if let (Some(before), Some(past), false) = (&before, &past, codes.contains(&Code::Unreachable)) {
        before.keep(past, context).await;
    }
    if let Some(path) = &args.save_answers {
        answered.save(path, now)?;
    }
    Ok(codes)
}

/// The files, as far as the report reads them.
pub(super) struct Platform {
    pub catalog: Catalog,
    pub policies: Policies,
    pub projects: Projects,
}

impl Platform {
    /// Reads the files. Of all that `check` finds, only what this report reads is in its way.
    async fn load(files: &Repository) -> Result<Self, Failure> {
        let (catalog, mut findings) = repo::load(files).await?;
        let (policies, wrong) = Policies::of(&catalog);
        findings.extend(wrong);
        let (projects, wrong) = Projects::of(&catalog);
        findings.extend(wrong);
        findings.extend(catalog::check(&catalog).into_iter().filter(is_read));
        if findings.has_errors() {
            return Err(Failure::invalid(findings));
        }
        Ok(Self { catalog, policies, projects })
    }
}

/// Completes the rows with what was learned beside versions, and with the days by which something must begin.
fn complete(looked: &mut Looked, platform: &Platform, course: &Course, now: Timestamp) {
    let Looked { answers, rows, learned, .. } = looked;
    let policy = |product: &str, item: &Item| platform.policies.of_item(product, item);
    let today = now.to_zoned(TimeZone::UTC).date();
    learned.material.complete(rows, answers, &platform.projects, &policy, today);
    deadlines::put(rows, &learned.material, course, now);
}

/// The report of what was looked at: products by need, and what is vulnerable.
fn told(
    args: &LcmReport,
    catalog: &Catalog,
    gathered: &Gathered,
    fleet: &[Standing],
    looked: &Looked,
    now: Timestamp,
) -> Weekly {
    let asked = |name: &&str| args.product.is_empty() || args.product.iter().any(|one| one.as_str() == *name);
    let products = catalog.products.iter().filter(|(_, source)| owned(args, &source.file.spec.owner.value));
    let products = products.map(|(name, _)| name.as_str()).filter(asked);
    let pins: Vec<_> = catalog.pins.values().map(|loaded| &loaded.file).collect();
    let unseen = fleet.iter().filter(|standing| standing.observed.is_none()).count();
    let size = Fleet { clusters: fleet.len(), unseen };
    let mut report = weekly::of(&looked.rows, products, gathered.release.clone(), size, &pins, now);
    let pairs = security::pairs(&looked.rows, &gathered.used);
    let acceptances = catalog.acceptances.iter().map(|(id, loaded)| (id, &loaded.file.spec));
    security::tell(&mut report, &pairs, &looked.scanned.looked, acceptances, now);
    report
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
        if !products.contains(product.as_str()) && product.as_str() != KUBERNETES {
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

/// That something fits all that was asked for: each alone is there, and yet they may select nothing.
fn fitting(args: &LcmReport, catalog: &Catalog, used: &InUse) -> Result<(), Failure> {
    if args.product.is_empty() || args.owner.is_empty() {
        return Ok(());
    }
    let asked = || args.product.iter().filter_map(|name| Some((name, catalog.products.get(name)?)));
    let left = used.declared.len() + used.released.len() + used.running.len();
    if left > 0 || asked().any(|(_, source)| owned(args, &source.file.spec.owner.value)) {
        return Ok(());
    }
    let names: Vec<_> = args.product.iter().map(|name| format!("`{name}`")).collect();
    let owners: Vec<_> = args.owner.iter().map(|owner| format!("`{owner}`")).collect();
    let message =
        format!("nothing fits both: of {} nothing is owned by {}", names.join(", "), owners.join(", "));
    let finding = asked().fold(Finding::error(&codes::NO_SUCH_THING, message), |finding, (name, source)| {
        finding.hint(format!("`{name}` is owned by `{}`", source.file.spec.owner.value))
    });
    Err(Failure::new(Code::NothingSelected, finding.next("tidegate product list")))
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

/// What exit code 6 means here; the headline may well tell of sources that answered something else.
const NOTHING_KNOWN: &str = "of nothing in use it is known which versions there are: no source that was asked \
                             for versions answered (exit code 6)";

/// The codes that apply. Where no source told of versions there is no report to speak of, whoever told of support
/// windows or vulnerabilities: so this is asked before those are counted with them.
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
