//! The weekly report as data: what of the platform has newer versions, what can't wait, and what to do about
//! each. Rows of things ([`crate::lcm::row`]) become products in order of need; how they are shown is for
//! `output`.

mod act;
mod ahead;
mod past;
pub mod security;
mod thing;

use std::collections::{BTreeMap, BTreeSet};

pub use act::{Act, Deed};
pub use ahead::Countdown;
pub use past::{
    Difference, NoSince, Past, PastThing, Since, Week, compared, difference, forgotten, trend, trending,
};
pub use thing::{Behind, Candidates, RunningAt, StatusLine, Thing, WorkloadAt, short};

use crate::lcm::declared::{Item, KUBERNETES};
use crate::lcm::deferred::Deferrals;
use crate::lcm::row::{NO_PRODUCT, Row, Status};
use crate::lcm::upstream::{Silence, Unanswered};
use crate::model::{ClusterName, PinFile, PinId, ReleaseId};

/// Support that ends within so many days can't wait.
const URGENT: i64 = 30;

/// A pin that is older than this should be looked at, in days.
const OLD_PIN: i64 = 60;

/// What the platform team opens every week.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Weekly {
    /// The week by ISO 8601, such as `2026-W47`.
    pub week: String,
    /// The newest release that was cut.
    pub release: Option<ReleaseId>,
    /// How many clusters the fleet has.
    pub clusters: usize,
    /// How many of them were never seen: what runs there is not known.
    pub unseen: usize,
    /// When the sources were asked, where that was not now: their answers are those of a file.
    pub answered_at: Option<jiff::Timestamp>,
    /// The clusters that were asked themselves; absent if none was to be.
    pub live: Option<LiveClusters>,
    /// The things that were asked about, and the answers that came.
    pub sources: Sources,
    /// How many products there are; Kubernetes itself is none.
    pub product_count: usize,
    /// How many products need what: each by the most of its things, and Kubernetes itself among them.
    pub counts: BTreeMap<Need, usize>,
    /// How many things of those products need the same, those of Kubernetes itself apart.
    pub things: BTreeMap<Need, usize>,
    /// What Kubernetes itself needs, if anything is known of it.
    pub kubernetes: Option<Need>,
    /// The products with something that has versions upstream, those with the most need first.
    pub products: Vec<Product>,
    /// Products whose files name nothing that has versions upstream.
    pub without_upstream: Vec<String>,
    /// Pins that hold.
    pub pins: Pins,
    /// Who was asked about vulnerabilities, and what became of acceptances; absent where nobody was.
    pub security: Option<security::Secured>,
    /// What is different since another report; absent where there is none to compare with.
    pub since: Option<Difference>,
    /// How many things needed what in the newest weeks, this one last.
    pub trend: Vec<Week>,
    /// What people have put off.
    pub deferrals: Deferrals,
    /// What is done first.
    pub next: Option<String>,
}

/// Clusters that were asked what they run.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveClusters {
    /// How many were asked.
    pub asked: usize,
    /// How many of them answered.
    pub answered: usize,
    /// What is not known, and why: of a cluster that gave no answer everything, of others a part.
    pub silent: Vec<SilentCluster>,
}

/// What a cluster did not tell.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SilentCluster {
    /// Which.
    pub cluster: ClusterName,
    /// What kind of silence, where it gave no answer at all.
    pub silence: Option<Silence>,
    /// Why, in words.
    pub why: String,
}

/// Sources that were asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sources {
    /// How many things were asked about.
    pub asked: usize,
    /// About how many of them an answer came.
    pub answered: usize,
    /// What came no answer about, and why.
    pub silent: Vec<Silent>,
}

/// A thing about which there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Silent {
    /// Who was asked: a registry, a repository of charts, a forge.
    pub source: String,
    /// What was asked about.
    pub thing: String,
    /// What kind of silence.
    pub silence: Silence,
    /// Why, in words.
    pub why: String,
}

/// One product.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its name.
    pub product: String,
    /// Who owns it.
    pub owner: String,
    /// What it needs: the most of its things.
    pub need: Need,
    /// What of it has versions upstream, those with the most need first.
    pub things: Vec<Thing>,
    /// Whether it has several things, shown or not: then each is named.
    #[serde(skip)]
    pub several: bool,
    /// The pins that hold a version of it.
    pub pins: Vec<PinId>,
}

impl Product {
    /// Whether it is Kubernetes itself, which nobody's file makes a product.
    pub fn is_kubernetes(&self) -> bool {
        self.product == KUBERNETES && self.things.iter().all(|thing| thing.kind == "kubernetes")
    }

    /// Whether it stands for what is of no product.
    pub fn is_none(&self) -> bool {
        self.product == NO_PRODUCT
    }
}

/// How much something needs somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// It breaks, or is about to: it can't be pulled, it is given up, it refuses a cluster.
    Now,
    /// There is something newer, or a tag has moved.
    Soon,
    /// Nobody knows.
    Unknown,
    /// Clusters do not have yet what is declared: a release brings it.
    Waits,
    /// Nothing.
    Nothing,
}

impl Need {
    /// All of them, what is most urgent first.
    pub const ALL: [Self; 5] = [Self::Now, Self::Soon, Self::Unknown, Self::Waits, Self::Nothing];

    /// What a row asks of people. What is put off waits, unless it can't.
    fn of_row(row: &Row) -> Self {
        let needs = row.statuses.iter().map(|status| Self::of(status, row));
        let put_off = |need| if need == Self::Soon && row.is_deferred() { Self::Nothing } else { need };
        needs.map(put_off).min().unwrap_or(Self::Nothing)
    }

    /// What a status asks of people. What is the newest, or above it, asks nothing.
    fn of(status: &Status, row: &Row) -> Self {
        match status {
            // An image must be pulled anew on each new node; a chart lies in the product's folder.
            Status::Missing if matches!(row.item, Item::Chart { .. } | Item::Tool(_)) => Self::Soon,
            Status::Missing | Status::NotAtMirror | Status::Deprecated | Status::Ended { .. } => Self::Now,
            Status::OnlyAtMirror | Status::NotMirrored { .. } => Self::Soon,
            // Only what is in use and refuses a cluster is wrong today.
            Status::Incompatible { version, .. } if row.is_in_use(version) => Self::Now,
            Status::Incompatible { .. } => Self::Nothing,
            Status::Ending { days, .. } if *days <= URGENT => Self::Now,
            Status::Behind(_) if ahead::waits(row) || row.is_leaving() => Self::Waits,
            // Nobody knows whether it could be pulled.
            Status::Behind(_) if row.is_mirror_silent() => Self::Unknown,
            Status::Ending { .. } | Status::TagMoved { .. } | Status::Behind(_) => Self::Soon,
            Status::Unknown { .. } | Status::MirrorUnknown { .. } => Self::Unknown,
            Status::Skewed => Self::Waits,
            Status::Pinned { .. } | Status::Deferred { .. } | Status::Ahead | Status::Same => Self::Nothing,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Soon => "soon",
            Self::Unknown => "unknown",
            Self::Waits => "waits",
            Self::Nothing => "nothing",
        }
    }

    /// Whether somebody has to do something.
    pub fn is_any(self) -> bool {
        matches!(self, Self::Now | Self::Soon | Self::Unknown)
    }
}

/// The pins of the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pins {
    /// Those that hold.
    pub holding: usize,
    /// Those of them that are older than sixty days.
    pub old: Vec<PinId>,
}

impl Sources {
    /// Adds who was asked about something else than versions: `asked` of them, those without an answer with
    /// their reasons.
    pub fn also(&mut self, asked: usize, silent: &[(String, Unanswered)]) {
        self.asked += asked;
        self.answered += asked.saturating_sub(silent.len());
        self.silent.extend(silent.iter().map(|(source, why)| Silent {
            thing: source.clone(),
            source: source.clone(),
            silence: why.why,
            why: why.message.clone(),
        }));
    }
}

/// The fleet, as far as the report is concerned.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fleet {
    /// How many clusters there are.
    pub clusters: usize,
    /// How many were never seen.
    pub unseen: usize,
}

/// The report at a moment. `products` are all there are, also those that no row is about.
pub fn of<'a>(
    rows: &[Row],
    products: impl IntoIterator<Item = &'a str>,
    release: Option<ReleaseId>,
    fleet: Fleet,
    pins: &[&PinFile],
    now: jiff::Timestamp,
) -> Weekly {
    let holding: Vec<&&PinFile> = pins.iter().filter(|pin| pin.spec.holds(now)).collect();
    let mut by_product: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_product.entry(&row.product).or_default().push(row);
    }
    let found: Vec<Product> = by_product.values().filter_map(|rows| product(rows, &holding)).collect();
    let own = found.iter().filter(|product| !product.is_none() && !product.is_kubernetes()).count();
    let without: Vec<String> =
        products.into_iter().filter(|name| !by_product.contains_key(name)).map(str::to_owned).collect();
    let mut report = Weekly {
        week: week(now),
        release,
        clusters: fleet.clusters,
        unseen: fleet.unseen,
        answered_at: None,
        live: None,
        sources: sources(rows),
        product_count: own + without.len(),
        counts: BTreeMap::new(),
        since: None,
        trend: Vec::new(),
        things: BTreeMap::new(),
        kubernetes: None,
        next: None,
        security: None,
        products: found,
        without_upstream: without,
        deferrals: Deferrals::default(),
        pins: Pins {
            holding: holding.len(),
            old: holding
                .iter()
                .filter(|pin| is_old(pin, now))
                .map(|pin| pin.metadata.name.value.clone())
                .collect(),
        },
    };
    report.order();
    report
}

impl Weekly {
    /// Puts everything in order of need, and counts it: again, when more is known of what is needed. What is no
    /// product's stands last and is not counted: others have to do it.
    fn order(&mut self) {
        for product in &mut self.products {
            product.things.sort_by(|one, other| in_order(one).cmp(&in_order(other)));
            product.need = product.things.first().map_or(Need::Nothing, |thing| thing.need);
        }
        let key = |product: &Product| (product.is_none(), product.need);
        self.products
            .sort_by(|one, other| key(one).cmp(&key(other)).then_with(|| one.product.cmp(&other.product)));
        (self.counts, self.things, self.kubernetes) = (BTreeMap::new(), BTreeMap::new(), None);
        for product in self.products.iter().filter(|product| !product.is_none()) {
            *self.counts.entry(product.need).or_default() += 1;
            if product.is_kubernetes() {
                self.kubernetes = Some(product.need);
                continue;
            }
            let alike = product.things.iter().filter(|thing| thing.need == product.need).count();
            *self.things.entry(product.need).or_default() += alike;
        }
        self.next = next(&self.products);
    }

    /// Leaves out what needs something else; the counts stay those of the whole.
    pub fn keep(&mut self, needs: &BTreeSet<Need>) {
        for product in &mut self.products {
            product.things.retain(|thing| needs.contains(&thing.need));
        }
        self.products.retain(|product| !product.things.is_empty());
        self.next = next(&self.products);
    }
}

/// The first command of those that are most needed.
fn next(products: &[Product]) -> Option<String> {
    let acts = products.iter().flat_map(|product| &product.things).filter_map(|thing| thing.act.as_ref());
    acts.filter_map(|act| act.command.clone()).next()
}

/// `2026-W47`.
fn week(now: jiff::Timestamp) -> String {
    let week = now.to_zoned(jiff::tz::TimeZone::UTC).date().iso_week_date();
    format!("{:04}-W{:02}", week.year(), week.week())
}

fn is_old(pin: &PinFile, now: jiff::Timestamp) -> bool {
    let Some(created) = &pin.spec.created else { return false };
    now.duration_since(created.value.moment()).as_hours() / 24 > OLD_PIN
}

/// What needs most comes first.
fn in_order(thing: &Thing) -> (Need, &str, &str) {
    (thing.need, thing.kind, &thing.name)
}

fn product(rows: &[&Row], pins: &[&&PinFile]) -> Option<Product> {
    let first = rows.first()?;
    let mut things: Vec<Thing> = rows.iter().map(|row| Thing::of(row)).collect();
    things.sort_by(|one, other| in_order(one).cmp(&in_order(other)));
    let own = pins.iter().filter(|pin| pin.spec.product.value.as_str() == first.product);
    Some(Product {
        product: first.product.clone(),
        owner: first.owner.clone(),
        need: things.first().map_or(Need::Nothing, |thing| thing.need),
        several: things.len() > 1,
        things,
        pins: own.map(|pin| pin.metadata.name.value.clone()).collect(),
    })
}

/// What was asked about, each thing once.
fn sources(rows: &[Row]) -> Sources {
    let things: BTreeSet<String> = rows.iter().map(|row| row.item.to_string()).collect();
    let silent = |row: &Row| {
        row.statuses.iter().find_map(|status| {
            let (source, silence, why) = match status {
                Status::Unknown { silence: Some(silence), why } => (row.source(), *silence, why.clone()),
                Status::MirrorUnknown { silence, why } => (row.item.source(), *silence, why.clone()),
                _ => return None,
            };
            Some(Silent { source, thing: row.item.to_string(), silence, why })
        })
    };
    let silent: BTreeSet<Silent> = rows.iter().filter_map(silent).collect();
    Sources {
        asked: things.len(),
        answered: things.len().saturating_sub(silent.len()),
        silent: silent.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
