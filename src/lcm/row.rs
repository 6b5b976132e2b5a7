//! A row of the report: one thing of one product, what of it is declared, what the newest release has, what
//! runs, what is newest, and how these stand. A source that gave no answer makes a row that says so: silence
//! is never "nothing newer".

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::around::{self, Around, Pinned, RunsAt, Workloads};
use super::changes::Changes;
use super::charts;
use super::declared::{Declared, Item};
use super::deferred::Hold;
use super::digests::{self, Newer};
use super::fixed::{self, Digests};
use super::pick::{Choice, NoChoice, pick};
use super::policy::Policy;
use super::status::{self, Standing};
use super::support::course::Deadline;
use super::support::known::Window;
use super::support::kubernetes::Provider;
use super::upstream::{Answer, Silence, Unanswered};
use super::version::{Level, by_age};
use crate::model::{ClusterName, Mirrors};
use crate::version::{KubeMinor, KubeVersion};

mod addons;
mod kubernetes;

pub use addons::Fit;

/// In the place of a product: images that clusters run and no product put there.
pub const NO_PRODUCT: &str = "(no product)";

/// What the sources answered: about each thing what is published, or why there is no answer.
pub type Answers = BTreeMap<Item, Result<Answer, Unanswered>>;

/// Clusters. All things that run on just the same ones share them: ten thousand clusters with some hundred things
/// each would be millions of names otherwise.
pub type ClusterSet = Arc<BTreeSet<ClusterName>>;

/// What a product's version that some clusters run declares.
#[derive(Debug, Clone)]
pub struct Running {
    /// What it is.
    pub declared: Declared,
    /// Where it runs.
    pub clusters: ClusterSet,
    /// What runs it, if the clusters themselves were asked.
    pub workloads: Workloads,
}

impl Running {
    /// By files and the journal: what runs it there is not known.
    pub fn new(declared: Declared, clusters: BTreeSet<ClusterName>) -> Self {
        Self::on(declared, clusters.into())
    }

    /// The same on clusters that others run on, too.
    pub fn on(declared: Declared, clusters: ClusterSet) -> Self {
        Self { declared, clusters, workloads: Workloads::new() }
    }
}

/// Everything that is in use, wherever that is said.
#[derive(Debug, Clone, Default)]
pub struct InUse {
    /// By the files as they are now.
    pub declared: Vec<Declared>,
    /// By the newest release.
    pub released: Vec<Declared>,
    /// By what clusters were last seen to run.
    pub running: Vec<Running>,
    /// The versions of Kubernetes that they were seen to have.
    pub kubernetes: BTreeSet<KubeVersion>,
    /// The minors that the clusters of each provider have; of whom none was seen, what the release says.
    pub minors: BTreeMap<Provider, BTreeSet<KubeMinor>>,
    /// Registries that keep copies.
    pub mirrors: Mirrors,
    /// Pins that hold.
    pub pinned: Vec<Pinned>,
}

/// One thing of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The product.
    pub product: String,
    /// Who owns it.
    pub owner: String,
    /// What has versions.
    pub item: Item,
    /// The versions that the product's files name, the lowest first; each once.
    pub declared: Vec<String>,
    /// Those of the newest release.
    pub released: Vec<String>,
    /// Those that run, the lowest first, and where.
    pub running: Vec<(String, ClusterSet)>,
    /// The version in use that stands worst, of several alike the lowest: what is told is told of it.
    pub judged: Option<String>,
    /// The newest version of its kind, as far as the policy goes; none if nothing is known of it.
    pub newest: Option<String>,
    /// The newest of each level by itself.
    pub levels: BTreeMap<Level, String>,
    /// How many published patch, minor or major versions it is behind; of Kubernetes, how many minors.
    pub steps: Option<u64>,
    /// When the lowest declared version was published, if that is known.
    pub since: Option<jiff::Timestamp>,
    /// When the newest version was published, if that is known.
    pub published: Option<jiff::Timestamp>,
    /// How it stands; what weighs most is first, and there is always one.
    pub statuses: Vec<Status>,
    /// Where it is declared first; empty if no file does.
    pub place: String,
    /// What of the answer could not be read.
    pub notes: Vec<String>,
    /// Of Kubernetes: the minor that this row is about.
    pub minor: Option<KubeMinor>,
    /// Of Kubernetes: the stops on the way to the newest one, a minor at a time.
    pub stops: Vec<String>,
    /// Of Kubernetes: by when the first wave of an upgrade must start.
    pub deadline: Option<Deadline>,
    /// Of a cloud's add-on: which of its versions go with the versions of Kubernetes in use, and the next one.
    pub fits: Vec<Fit>,
    /// What changed up to the newest version, where somebody told.
    pub changes: Option<Changes>,
    /// Until when what is in use is supported: of all its versions the one with the least left.
    pub window: Option<Window>,
    /// What their tags name, where a file or a lock says so.
    pub digests: Digests,
    /// What is known beside versions.
    pub around: Around,
}

/// How a version in use stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It is not published any more: whoever has to pull it can't.
    Missing,
    /// It is published, and the mirror that it is pulled from has it not: whoever has to pull it can't.
    NotAtMirror,
    /// Its makers have given it up.
    Deprecated,
    /// Nobody mends it any more.
    Ended {
        /// In words.
        words: String,
    },
    /// It, or the newest version, refuses versions of Kubernetes that are in use.
    Incompatible {
        /// The version of the thing.
        version: String,
        /// The versions of Kubernetes.
        kubernetes: Vec<String>,
    },
    /// Its tag names something else than the digest in use.
    TagMoved {
        /// The tag.
        tag: String,
        /// What it names now, if that is known.
        digest: Option<String>,
    },
    /// Nothing can be said, and why.
    Unknown {
        /// What kind of silence, where a source was silent.
        silence: Option<Silence>,
        /// In words.
        why: String,
    },
    /// It is not published any more, and the mirror that it is pulled from still has it.
    OnlyAtMirror,
    /// Its support ends within so many days.
    Ending {
        /// The days left; 0 on the last one.
        days: i64,
        /// In words.
        words: String,
    },
    /// So far behind.
    Behind(Level),
    /// The newest version is not at the mirror yet that it is pulled from.
    NotMirrored {
        /// The newest version.
        version: String,
    },
    /// Clusters run something else than the files say, and no pin explains it.
    Skewed,
    /// A pin holds its product's version on clusters.
    Pinned {
        /// The pin's end, as written.
        until: String,
        /// The team that answers for it.
        owner: String,
        /// On so many.
        clusters: usize,
    },
    /// Somebody has put it off.
    Deferred {
        /// Whether that still counts.
        hold: Hold,
        /// The end, as written.
        until: String,
        /// The highest version that it is about; any if absent.
        up_to: Option<String>,
        /// The team that answers for it.
        owner: String,
        /// Why.
        reason: String,
    },
    /// It is above everything that is published.
    Ahead,
    /// It is the newest of its kind.
    Same,
}

impl Status {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Ahead => "ahead",
            Self::Skewed => "skewed",
            Self::Behind(level) => level.word(),
            Self::Missing | Self::OnlyAtMirror => "missing-upstream",
            Self::NotAtMirror => "missing",
            Self::NotMirrored { .. } => "not-mirrored",
            Self::Pinned { .. } => "pinned",
            Self::Deferred { hold: Hold::Holds, .. } => "deferred",
            Self::Deferred { hold: Hold::Ended, .. } => "deferral-ended",
            Self::Deferred { hold: Hold::Outrun, .. } => "deferral-outrun",
            Self::Deprecated => "deprecated",
            Self::Ended { .. } => "end-of-life",
            Self::Ending { .. } => "support-ends",
            Self::Incompatible { .. } => "incompatible",
            Self::TagMoved { .. } => "tag-moved",
            Self::Unknown { .. } => "unknown",
        }
    }

    fn unknown(why: impl ToString) -> Self {
        Self::Unknown { silence: None, why: why.to_string() }
    }
}

impl Row {
    /// What weighs most.
    pub fn status(&self) -> &Status {
        self.statuses.first().unwrap_or(&Status::Same)
    }

    /// Whether a version is in use: by the files, or else by what was released or runs.
    pub fn is_in_use(&self, version: &str) -> bool {
        self.judged.as_deref() == Some(version) || self.declared.iter().any(|declared| declared == version)
    }

    /// Whether a version that runs is one of the declared ones.
    pub fn is_declared(&self, running: &str) -> bool {
        self.declared.iter().any(|declared| is_declared(declared, running, &self.item))
    }

    /// Whether somebody has put it off, and that still counts.
    pub fn is_deferred(&self) -> bool {
        self.statuses.iter().any(|status| matches!(status, Status::Deferred { hold: Hold::Holds, .. }))
    }

    /// How far behind it is, if it is.
    pub fn behind(&self) -> Option<Level> {
        self.statuses
            .iter()
            .find_map(|status| if let Status::Behind(level) = status { Some(*level) } else { None })
    }
}

/// The rows of all that is in use, in order of products and items.
pub fn rows(used: &InUse, answers: &Answers, policy: &dyn Fn(&str, &Item) -> Policy) -> Vec<Row> {
    let mut by_item: BTreeMap<(&str, &Item), Parts<'_>> = BTreeMap::new();
    for one in &used.declared {
        by_item.entry((&one.product, &one.item)).or_default().declared.push(one);
    }
    for one in &used.released {
        by_item.entry((&one.product, &one.item)).or_default().released.push(one);
    }
    for one in &used.running {
        by_item.entry((&one.declared.product, &one.declared.item)).or_default().running.push(one);
    }
    let rows = |((product, item), parts): ((&str, &Item), Parts<'_>)| {
        let (policy, answer) = (policy(product, item), answers.get(item));
        match item {
            Item::Kubernetes(_) => kubernetes::rows(&parts, item, answer, &policy),
            Item::Addon { provider, .. } => {
                let minors = used.minors.get(provider).cloned().unwrap_or_default();
                addons::row(&parts, item, answer, &policy, &minors, &used.pinned).into_iter().collect()
            }
            _ => parts.row(item, answer, &policy, used).into_iter().collect(),
        }
    };
    by_item.into_iter().flat_map(rows).collect()
}

/// What is said of one thing of one product.
#[derive(Default)]
struct Parts<'u> {
    declared: Vec<&'u Declared>,
    released: Vec<&'u Declared>,
    running: Vec<&'u Running>,
}

impl Parts<'_> {
    fn row(
        &self,
        item: &Item,
        answer: Option<&Result<Answer, Unanswered>>,
        policy: &Policy,
        used: &InUse,
    ) -> Option<Row> {
        let all = || self.declared.iter().chain(&self.released).copied();
        let first = all().chain(self.running.iter().map(|one| &one.declared)).next()?;
        let versions =
            |some: &[&Declared]| in_order(some.iter().filter_map(|one| one.version.as_deref()), policy);
        let declared = versions(&self.declared);
        let released = versions(&self.released);
        let running = self.running(policy);
        let mut seen = match answer {
            None => {
                let why = "nobody was asked about it".to_owned();
                Seen::silent(Status::Unknown { silence: Some(Silence::Unreachable), why })
            }
            Some(Err(silent)) => {
                Seen::silent(Status::Unknown { silence: Some(silent.why), why: silent.message.clone() })
            }
            Some(Ok(answer)) => self.judged(item, answer, policy, &used.kubernetes),
        };
        let silent_mirror = answer.and_then(|answer| answer.as_ref().ok()?.silent_mirror.clone());
        if let Some(Unanswered { why, message }) = silent_mirror {
            let message = format!("what the mirror has of it is not known: {message}");
            seen.statuses.push(Status::Unknown { silence: Some(why), why: message });
        }
        let moved = answer.and_then(|answer| fixed::moved(&self.released, answer.as_ref().ok()?));
        if let Some(moved) = moved.filter(|_| !seen.statuses.iter().any(|s| s.word() == "tag-moved")) {
            seen.statuses.retain(|status| !matches!(status, Status::Unknown { .. } | Status::Same));
            seen.statuses.push(moved);
        }
        let pins = || used.pinned.iter().filter(|pin| pin.product == first.product);
        let pinned: BTreeSet<ClusterName> = pins().flat_map(|pin| &pin.clusters).cloned().collect();
        let differ = |(version, clusters): &(String, ClusterSet)| {
            !declared.iter().any(|declared| is_declared(declared, version, item))
                && !clusters.is_subset(&pinned)
        };
        if !declared.is_empty() && running.iter().any(differ) {
            seen.statuses.push(Status::Skewed);
        }
        if seen.statuses.is_empty() {
            seen.statuses.push(Status::Same);
        }
        seen.statuses.extend(pins().filter_map(Pinned::status));
        seen.statuses.sort();
        Some(Row {
            product: first.product.clone(),
            owner: self.owner(first),
            item: item.clone(),
            declared,
            released,
            running,
            newest: seen.newest,
            levels: seen.levels,
            steps: seen.steps,
            since: seen.since,
            published: seen.published,
            statuses: seen.statuses,
            place: if first.place.is_none() { String::new() } else { first.place.to_string() },
            notes: answer
                .and_then(|answer| answer.as_ref().ok())
                .map(|a| a.notes.clone())
                .unwrap_or_default(),
            minor: None,
            stops: seen.stops,
            deadline: None,
            fits: Vec::new(),
            judged: seen.judged,
            changes: None,
            window: None,
            digests: Digests {
                declared: fixed::by_version(self.declared.iter().copied()),
                released: fixed::by_version(self.released.iter().copied()),
                running: fixed::by_version(self.running.iter().map(|one| &one.declared)),
            },
            around: Around {
                copy_of: item.origin(&used.mirrors).and_then(Item::into_image),
                pinned,
                live: self.live(),
            },
        })
    }

    /// What runs, by version; what runs by a digest alone is its digest.
    fn running(&self, policy: &Policy) -> Vec<(String, ClusterSet)> {
        let mut by_version: BTreeMap<&str, ClusterSet> = BTreeMap::new();
        for one in &self.running {
            let named = one.declared.version.as_deref().or(one.declared.digest.as_deref());
            let Some(version) = named else { continue };
            match by_version.entry(version) {
                Entry::Vacant(free) => _ = free.insert(Arc::clone(&one.clusters)),
                Entry::Occupied(known) if Arc::ptr_eq(known.get(), &one.clusters) => {}
                Entry::Occupied(mut known) => {
                    Arc::make_mut(known.get_mut()).extend(one.clusters.iter().cloned());
                }
            }
        }
        let order = in_order(by_version.keys().copied(), policy);
        let with = |version: String| {
            let clusters = by_version.remove(version.as_str()).unwrap_or_default();
            (version, clusters)
        };
        order.into_iter().map(with).collect()
    }

    /// Who owns it; of what is no product's, everybody whose it is.
    fn owner(&self, first: &Declared) -> String {
        let owners = self.running.iter().map(|one| one.declared.owner.as_str());
        let owners: BTreeSet<&str> = owners.filter(|owner| !owner.is_empty()).collect();
        match first.product == NO_PRODUCT {
            true => owners.into_iter().collect::<Vec<_>>().join(", "),
            false => first.owner.clone(),
        }
    }

    /// What clusters said themselves of what runs, by version.
    fn live(&self) -> BTreeMap<String, RunsAt> {
        let mut live: BTreeMap<String, RunsAt> = BTreeMap::new();
        for one in self.running.iter().filter(|one| !one.workloads.is_empty()) {
            let Some(version) = one.declared.version.as_ref().or(one.declared.digest.as_ref()) else {
                continue;
            };
            let at = live.entry(version.clone()).or_default();
            at.digests.extend(one.declared.digest.clone());
            for (workload, clusters) in &one.workloads {
                at.workloads.entry(workload.clone()).or_default().extend(clusters.iter().cloned());
            }
        }
        live
    }

    /// What was pulled for a version that is named without a digest, where it is known what its tag names now.
    fn pulled<'p>(&'p self, version: &str, answer: &Answer) -> BTreeSet<&'p str> {
        let known = answer.tags.known.get(version).is_some_and(|known| known.digest.is_some());
        let live = self.running.iter().filter(|one| known && !one.workloads.is_empty());
        let same = live.filter(|one| one.declared.version.as_deref() == Some(version));
        same.filter_map(|one| one.declared.digest.as_deref()).collect()
    }

    /// How what is declared stands; if nothing is, what is released, or what runs. Each version with each digest
    /// is judged by itself, and the one that stands worst is told: of several that stand alike, the lowest.
    fn judged(
        &self,
        item: &Item,
        answer: &Answer,
        policy: &Policy,
        kubernetes: &BTreeSet<KubeVersion>,
    ) -> Seen {
        let running: Vec<&Declared> = self.running.iter().map(|one| &one.declared).collect();
        let says = |some: &&[&Declared]| some.iter().any(|one| one.version.is_some() || one.digest.is_some());
        let used = [&self.declared[..], &self.released[..], &running[..]].into_iter().find(says);
        let used = used.unwrap_or_default();
        let versions = in_order(used.iter().filter_map(|one| one.version.as_deref()), policy);
        let place =
            |one: &Declared| versions.iter().position(|version| one.version.as_ref() == Some(version));
        // With each digest, whether a file names it.
        let mut each: BTreeSet<(Option<usize>, Option<&str>, bool)> = BTreeSet::new();
        for one in used.iter().filter(|one| one.version.is_some() || one.digest.is_some()) {
            let version = one.version.as_deref().filter(|_| one.digest.is_none());
            let pulled = version.map(|version| self.pulled(version, answer)).unwrap_or_default();
            if pulled.is_empty() {
                each.insert((place(one), one.digest.as_deref(), true));
            }
            each.extend(pulled.into_iter().map(|digest| (place(one), Some(digest), false)));
        }
        let judge = |(version, digest, is_named): (Option<usize>, Option<&str>, bool)| {
            let mut seen = match (version.and_then(|place| versions.get(place)), digest) {
                (Some(version), digest) => {
                    let digest = digest.map(|digest| (digest, is_named));
                    let mut seen = against(version, digest, item, answer, policy, kubernetes);
                    seen.judged = Some(version.clone());
                    seen
                }
                (None, Some(digest)) => by_digest(digest, answer, policy),
                (None, None) => Seen::default(),
            };
            seen.statuses.sort();
            seen
        };
        // The first of the worst: versions come in order.
        let worst = each.into_iter().map(judge).min_by(|one, other| worse(&one.statuses, &other.statuses));
        worst.unwrap_or_else(|| Seen::silent(Status::unknown("no file of the product names a version of it")))
    }
}

/// Which of two stands worse. The farther behind, the worse.
fn worse(one: &[Status], other: &[Status]) -> std::cmp::Ordering {
    let rank = |statuses: &[Status]| match statuses.first() {
        Some(Status::Behind(level)) => (Some(Status::Behind(Level::Patch)), std::cmp::Reverse(Some(*level))),
        first => (first.cloned(), std::cmp::Reverse(None)),
    };
    let (one, other) = (rank(one), rank(other));
    // Nothing to be said is the best.
    let has = |status: &Option<Status>| status.is_none();
    has(&one.0).cmp(&has(&other.0)).then_with(|| one.cmp(&other))
}

/// Where no version is named: a digest alone may be one that versions have.
fn by_digest(digest: &str, answer: &Answer, policy: &Policy) -> Seen {
    match digests::newer(&format!("@{digest}"), &digests::published(&answer.tags), policy) {
        Ok(Newer::Versions { to, level, .. }) => {
            Seen { newest: Some(to.to_owned()), statuses: vec![Status::Behind(level)], ..Seen::default() }
        }
        Ok(_) => Seen::default(),
        Err(_) => Seen::silent(Status::unknown("only a digest is named, and no listed version has it")),
    }
}

/// What an answer says of a version.
#[derive(Default)]
struct Seen {
    newest: Option<String>,
    levels: BTreeMap<Level, String>,
    steps: Option<u64>,
    since: Option<jiff::Timestamp>,
    published: Option<jiff::Timestamp>,
    statuses: Vec<Status>,
    stops: Vec<String>,
    judged: Option<String>,
}

impl Seen {
    fn silent(status: Status) -> Self {
        Self { statuses: vec![status], ..Self::default() }
    }
}

/// Whether a version that runs is the declared one. A minor of Kubernetes stands for all its patches.
fn is_declared(declared: &str, running: &str, item: &Item) -> bool {
    if !matches!(item, Item::Kubernetes(_)) {
        return declared == running;
    }
    let bare = |text: &str| text.trim_start_matches('v').to_owned();
    let (declared, running) = (bare(declared), bare(running));
    running.strip_prefix(&declared).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
}

/// Versions, the lowest first, each once; what is none stands last.
fn in_order<'v>(versions: impl Iterator<Item = &'v str>, policy: &Policy) -> Vec<String> {
    let mut versions: Vec<&str> = versions.collect();
    versions.sort_by(|one, other| {
        let order = match (policy.scheme.read(one), policy.scheme.read(other)) {
            (Some(one), Some(other)) => by_age(&one, &other),
            (one, other) => one.is_some().cmp(&other.is_some()).reverse(),
        };
        order.then_with(|| one.cmp(other))
    });
    versions.dedup();
    versions.into_iter().map(str::to_owned).collect()
}

/// How a version stands against what is published. Of a digest it is said whether a file names it.
fn against(
    version: &str,
    digest: Option<(&str, bool)>,
    item: &Item,
    answer: &Answer,
    policy: &Policy,
    kubernetes: &BTreeSet<KubeVersion>,
) -> Seen {
    match item {
        Item::Chart { .. } => return of_chart(version, answer, policy, kubernetes),
        Item::Kubernetes(channel) => return kubernetes::stands(version, channel, answer, policy),
        Item::Addon { .. } => return addons::stands(version, answer, policy, kubernetes),
        Item::Image(_) | Item::Tool(_) => {}
    }
    let tags: Vec<&str> = answer.tags.iter().collect();
    // People write a tool's version with a `v` or without, whatever its tag has.
    let bare = |text: &str| text.trim_start_matches('v').to_owned();
    let version = match item {
        Item::Tool(_) if !tags.contains(&version) => {
            tags.iter().copied().find(|tag| bare(tag) == bare(version)).unwrap_or(version)
        }
        _ => version,
    };
    let chosen = pick(version, &tags, policy);
    let mut seen = stands(version, &chosen, policy);
    let at = |tag: &str| answer.tags.known.get(tag).and_then(|known| known.pushed);
    (seen.since, seen.published) = (at(version), seen.newest.as_deref().and_then(at));
    // What a tag names now counts only where somebody said what it should name.
    if let Some((digest, _)) = digest
        && let Ok(newer) =
            digests::newer(&format!("{version}@{digest}"), &digests::published(&answer.tags), policy)
    {
        if let Newer::Moved { tag, digest, .. } = newer {
            let (tag, digest) = (tag.to_owned(), digest.map(str::to_owned));
            seen.statuses.retain(|status| !matches!(status, Status::Unknown { .. } | Status::Same));
            seen.statuses.push(Status::TagMoved { tag, digest });
        } else if matches!(chosen, Err(NoChoice::Moving)) {
            seen.statuses = vec![Status::Same];
        }
    }
    if let Some(mirrored) = &answer.mirrored {
        let newest = seen.newest.as_deref();
        around::at_mirror(
            version,
            digest.is_some_and(|(_, is_named)| is_named),
            newest,
            mirrored,
            &mut seen.statuses,
        );
    }
    seen
}

/// How a version stands by what was chosen for it.
fn stands(version: &str, chosen: &Result<Choice<'_>, NoChoice>, policy: &Policy) -> Seen {
    let status = match (status::of(version, chosen, policy), chosen) {
        (Standing::Behind(level), _) => Status::Behind(level),
        (Standing::Ahead, _) => Status::Ahead,
        (_, Err(NoChoice::Missing { .. })) => Status::Missing,
        (_, Err(why)) => Status::unknown(why),
        (_, Ok(_)) => Status::Same,
    };
    let mut seen = Seen { statuses: vec![status], ..Seen::default() };
    // Above everything that is published, and not published itself: that, too, nobody can pull.
    if matches!((seen.statuses.as_slice(), chosen), ([Status::Ahead], Err(NoChoice::Missing { .. }))) {
        seen.statuses.push(Status::Missing);
    }
    match chosen {
        Ok(choice) => {
            if !choice.published && choice.newest.is_some() {
                seen.statuses.push(Status::Missing);
            }
            let own = |(level, tag): (&Level, &&str)| (*level, (*tag).to_owned());
            seen.levels = choice.levels.iter().map(own).collect();
            let counted = || choice.newest.and_then(|newest| steps(version, newest, policy));
            seen.steps = choice.steps.or_else(counted);
            seen.newest = choice.newest.or(choice.latest).map(str::to_owned);
        }
        Err(NoChoice::Missing { latest }) => seen.newest.clone_from(latest),
        Err(_) => {}
    }
    seen
}

/// How many versions lie between two, by the first number that differs.
fn steps(from: &str, to: &str, policy: &Policy) -> Option<u64> {
    let (from, to) = (policy.text(from)?, policy.text(to)?);
    let (from, to) = (policy.scheme.read(&from)?, policy.scheme.read(&to)?);
    let differs = (0..3).find(|place| from.number(*place) != to.number(*place))?;
    to.number(differs).value()?.checked_sub(from.number(differs).value()?)
}

/// How a chart's version stands: what is deprecated does not count, and what a cluster's Kubernetes refuses
/// is told.
fn of_chart(version: &str, answer: &Answer, policy: &Policy, kubernetes: &BTreeSet<KubeVersion>) -> Seen {
    let newer = match charts::newer(version, &answer.entries, policy, None) {
        Ok(newer) => newer,
        Err(why) => return stands(version, &Err(why), policy),
    };
    let entry = |version: &str| answer.entries.iter().find(|entry| entry.version == version);
    let versions: Vec<&str> = answer
        .entries
        .iter()
        .filter(|entry| entry.version == version || !entry.deprecated)
        .map(|entry| entry.version.as_str())
        .collect();
    let mut seen = stands(version, &pick(version, &versions, policy), policy);
    if let Some(newest) = newer.newest {
        seen.newest = Some(newest.version.clone());
        seen.published = newest.created;
    }
    let own = entry(version);
    seen.since = own.and_then(|entry| entry.created);
    if newer.deprecated_upstream || own.is_some_and(|entry| entry.deprecated) {
        seen.statuses.push(Status::Deprecated);
    }
    for entry in [own, newer.newest].into_iter().flatten() {
        let refused = entry.admits(kubernetes).refused;
        if !refused.is_empty() {
            let kubernetes = refused.iter().map(ToString::to_string).collect();
            seen.statuses.push(Status::Incompatible { version: entry.version.clone(), kubernetes });
        }
    }
    seen
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "row/tests.rs"]
mod of_clouds;
