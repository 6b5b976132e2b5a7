//! The fleet: a line for each cluster, and what runs where as a matrix of clusters and products. A
//! large fleet is told in groups, and where not all products fit beside each other the matrix goes on
//! below.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::count;
use crate::model::{ProductName, ReleaseId};
use crate::output::envelope::List;
use crate::output::mark::{Tone, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};
use crate::report::age::Seen;
use crate::report::standing::{Mark, Placed, Standing};
use crate::version::Version;

use super::status::seen as seen_cell;

/// From this number of clusters on a matrix is told in groups, unless somebody says otherwise.
const MANY: usize = 24;

/// The labels by which a large fleet is told, as far as its clusters have them.
const GROUPS: [&str; 2] = ["env", "pool"];

impl Screen for List<Standing> {
    const KIND: &'static str = "ClusterList";

    fn text(&self, look: &Look) -> String {
        let mut table = Table::new([
            Column::left("CLUSTER"),
            Column::text("LABELS"),
            Column::left("KUBE"),
            Column::left("RELEASE"),
            Column::text("NOTES"),
            Column::left("SEEN"),
        ]);
        for cluster in &self.items {
            let labels: Vec<String> = cluster.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            table.row([
                cluster.cluster.as_str().into(),
                labels.join(" ").into(),
                cluster.observed.as_ref().map(|o| o.kubernetes.to_string()).unwrap_or_default().into(),
                release(cluster),
                notes(cluster).join(", ").into(),
                heartbeat(&cluster.seen, look),
            ]);
        }
        format!("{}{}", table.text(look.width), dim(&format!("{}\n", summary(&self.items))))
    }

    fn next(&self) -> Option<String> {
        Some(format!("tidegate cluster show {}", self.items.first()?.cluster))
    }
}

/// The release that a cluster has, and how far that is behind.
fn release(cluster: &Standing) -> Cell {
    match (&cluster.release, cluster.behind) {
        (Some(release), Some(0)) => release.as_str().into(),
        (Some(release), Some(behind)) => Cell::toned(format!("! {release}, {behind} behind"), Tone::Warn),
        _ => "".into(),
    }
}

/// What is worth saying of a cluster, in few words.
fn notes(cluster: &Standing) -> Vec<String> {
    let mut notes = Vec::new();
    if cluster.holds.iter().any(|hold| hold.product.is_none()) {
        notes.push("held".to_owned());
    }
    for mark in [Mark::Unfinished, Mark::Orphaned, Mark::Held, Mark::Pinned, Mark::Missing, Mark::Ahead] {
        let products: Vec<&str> = cluster.marked(mark).map(ProductName::as_str).collect();
        if !products.is_empty() {
            notes.push(format!("{} {}", mark.word(), products.join(" ")));
        }
    }
    if let Some(drift) = cluster.drift.as_ref().filter(|drift| drift.differences > 0) {
        notes.push(format!("drifted ({})", drift.differences));
    }
    notes
}

/// `71 clusters · 3 behind · 2 with pins · 1 held`.
fn summary(clusters: &[Standing]) -> String {
    let mut words = vec![count(clusters.len(), "cluster")];
    let mut tell = |is: &dyn Fn(&Standing) -> bool, word: &str| {
        let found = clusters.iter().filter(|cluster| is(cluster)).count();
        if found > 0 {
            words.push(format!("{found} {word}"));
        }
    };
    tell(&|c| c.behind.is_some_and(|behind| behind > 0), "behind");
    tell(&|c| !c.pins.is_empty(), "with pins");
    tell(&|c| !c.holds.is_empty(), "held");
    tell(&|c| c.marked(Mark::Orphaned).next().is_some(), "with orphaned products");
    tell(&|c| c.marked(Mark::Unfinished).next().is_some(), "unfinished");
    tell(&is_drifted, "drifted");
    tell(&|c| c.seen.unreachable_since.is_some(), "unreachable");
    tell(&|c| c.seen.at.is_none(), "never seen");
    words.join(" · ")
}

fn is_drifted(cluster: &Standing) -> bool {
    cluster.drift.as_ref().is_some_and(|drift| drift.differences > 0)
}

/// How long ago a cluster was seen, and since when it does not answer.
fn heartbeat(seen: &Seen, look: &Look) -> Cell {
    let Some(since) = seen.unreachable_since else { return seen_cell(seen, look) };
    let last = seen.at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", look.view.brief(at)));
    Cell::toned(format!("! {last}, unreachable for {}", look.view.brief(since)), Tone::Warn)
}

/// What runs where: clusters and products.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatrixScreen {
    /// The newest release that was cut.
    pub newest: Option<ReleaseId>,
    /// The products that are looked at.
    pub columns: Vec<ProductName>,
    /// The labels by which clusters are grouped; empty if each stands for itself.
    pub grouped_by: Vec<String>,
    /// The groups; empty if each cluster stands for itself.
    pub groups: Vec<Group>,
    /// Every cluster.
    pub clusters: Vec<Standing>,
}

/// Some clusters as one.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The values of the labels by which clusters are grouped; absent labels are left out.
    pub labels: BTreeMap<String, String>,
    /// How many clusters.
    pub clusters: usize,
    /// How many of them have which release; the newest first.
    pub releases: Vec<Share<ReleaseId>>,
    /// How many have which version, by product; most first.
    pub products: BTreeMap<ProductName, Vec<Share<Version>>>,
    /// How many are behind the newest release.
    pub behind: usize,
    /// How many have pins.
    pub pinned: usize,
    /// How many are held, whole or in part.
    pub held: usize,
    /// How many were not as applied when they were last compared.
    pub drifted: usize,
    /// When the one was seen that was seen longest ago; absent if one was never seen.
    pub oldest_sight: Option<jiff::Timestamp>,
}

/// How many clusters have the same.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share<T> {
    /// What they have.
    pub has: T,
    /// How many.
    pub clusters: usize,
}

impl MatrixScreen {
    /// Of these clusters. `products` are the columns, all that occur if empty; `group` the labels to
    /// group by: `None` decides by the number of clusters, and nothing leaves each for itself.
    pub fn of(
        newest: Option<ReleaseId>,
        clusters: Vec<Standing>,
        products: &[ProductName],
        group: Option<Vec<String>>,
    ) -> Self {
        let occurring: BTreeSet<&ProductName> = clusters.iter().flat_map(|c| c.products.keys()).collect();
        let columns = match products {
            [] => occurring.into_iter().cloned().collect(),
            chosen => chosen.to_vec(),
        };
        let grouped_by = group.unwrap_or_else(|| {
            let has = |label: &&str| clusters.iter().any(|c| c.labels.contains_key(*label));
            let many = clusters.len() > MANY;
            GROUPS.into_iter().filter(|label| many && has(label)).map(str::to_owned).collect()
        });
        let groups =
            if grouped_by.is_empty() { Vec::new() } else { groups(&clusters, &grouped_by, &columns) };
        Self { newest, columns, grouped_by, groups, clusters }
    }

    /// As many products beside each other as fit, then the next ones below.
    fn bands(&self, look: &Look, table: &dyn Fn(&[ProductName], bool) -> Table) -> String {
        let Some(width) = look.width else { return table(&self.columns, true).text(None) };
        let mut text = String::new();
        let mut left = self.columns.as_slice();
        loop {
            let first = text.is_empty();
            let fitting = (1..=left.len()).rev().find(|n| table(left.split_at(*n).0, first).fits(width));
            let (band, rest) = left.split_at(fitting.unwrap_or(left.len().min(1)));
            if !first {
                text.push('\n');
            }
            text.push_str(&table(band, first).text(Some(width)));
            left = rest;
            if left.is_empty() {
                return text;
            }
        }
    }

    fn by_cluster(&self, band: &[ProductName], first: bool, look: &Look) -> Table {
        let mut columns = vec![Column::left("CLUSTER")];
        if first {
            columns.extend([Column::left("RELEASE"), Column::left("SEEN")]);
        }
        columns.extend(band.iter().map(|product| Column::tight(product.as_str())));
        let mut table = Table::new(columns);
        for cluster in &self.clusters {
            let mut cells: Vec<Cell> = vec![cluster.cluster.as_str().into()];
            if first {
                cells.extend([release(cluster), seen_cell(&cluster.seen, look)]);
            }
            cells.extend(band.iter().map(|product| placed(cluster.products.get(product))));
            table.row(cells);
        }
        table
    }

    fn by_group(&self, band: &[ProductName], first: bool) -> Table {
        let mut columns = vec![Column::left("GROUP")];
        if first {
            let more = [Column::right("CLUSTERS"), Column::tight("RELEASE"), Column::tight("NOTES")];
            columns.extend(more);
        }
        columns.extend(band.iter().map(|product| Column::tight(product.as_str())));
        let mut table = Table::new(columns);
        for group in &self.groups {
            let mut cells: Vec<Cell> = vec![self.name(group).into()];
            if first {
                let releases = shares(&group.releases, group.clusters);
                let all_there = group.behind == 0;
                cells.extend([
                    group.clusters.to_string().into(),
                    if all_there { releases.into() } else { Cell::toned(releases, Tone::Warn) },
                    group.notes().into(),
                ]);
            }
            cells.extend(band.iter().map(|product| {
                let found = group.products.get(product).map(Vec::as_slice).unwrap_or_default();
                shares(found, group.clusters).into()
            }));
            table.row(cells);
        }
        table
    }

    /// `prod/prod-1`; `-` stands for a label that is not there.
    fn name(&self, group: &Group) -> String {
        let value = |label: &String| group.labels.get(label).map_or("-", String::as_str);
        self.grouped_by.iter().map(value).collect::<Vec<_>>().join("/")
    }
}

impl Group {
    fn notes(&self) -> String {
        let told = [
            (self.behind, "behind"),
            (self.pinned, "pinned"),
            (self.held, "held"),
            (self.drifted, "drifted"),
        ];
        let told = told.into_iter().filter(|(n, _)| *n > 0);
        told.map(|(n, word)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
    }
}

/// `1.18.3` where all have the same, else `1.17.2×10, 1.15.0×2`; those that have none are left out.
fn shares<T: std::fmt::Display>(shares: &[Share<T>], of: usize) -> String {
    match shares {
        [only] if only.clusters == of => only.has.to_string(),
        several => {
            let words = several.iter().map(|share| format!("{}×{}", share.has, share.clusters));
            words.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A product on a cluster: its version, and a word where there is something to say.
fn placed(placed: Option<&Placed>) -> Cell {
    let Some(Placed { version, marks, .. }) = placed else { return "".into() };
    let version = version.as_ref().map(ToString::to_string).unwrap_or_default();
    let Some(mark) = marks.first() else { return version.into() };
    let text = format!("{version} {}", mark.word());
    match mark {
        Mark::Unfinished | Mark::Missing => Cell::toned(text.trim_start(), Tone::Bad),
        Mark::Held | Mark::Pinned | Mark::Ahead => Cell::toned(text, Tone::Busy),
        Mark::Orphaned | Mark::Behind => Cell::toned(text.trim_start(), Tone::Warn),
    }
}

/// Clusters by the values of these labels.
fn groups(clusters: &[Standing], by: &[String], columns: &[ProductName]) -> Vec<Group> {
    let mut found: BTreeMap<Vec<Option<&String>>, Vec<&Standing>> = BTreeMap::new();
    for cluster in clusters {
        found.entry(by.iter().map(|label| cluster.labels.get(label)).collect()).or_default().push(cluster);
    }
    let group = |(values, members): (Vec<Option<&String>>, Vec<&Standing>)| {
        let labels = by.iter().zip(values).filter_map(|(label, v)| Some((label.clone(), v?.clone())));
        let versions = |product: &ProductName| {
            let here = members.iter().filter_map(|c| c.products.get(product)?.version.clone());
            (product.clone(), tally(here))
        };
        let sights = members.iter().map(|c| c.seen.at);
        Group {
            labels: labels.collect(),
            clusters: members.len(),
            releases: tally(members.iter().filter_map(|c| c.release.clone())),
            products: columns.iter().map(versions).filter(|(_, shares)| !shares.is_empty()).collect(),
            behind: members.iter().filter(|c| c.behind.is_some_and(|behind| behind > 0)).count(),
            pinned: members.iter().filter(|c| !c.pins.is_empty()).count(),
            held: members.iter().filter(|c| !c.holds.is_empty()).count(),
            drifted: members.iter().filter(|c| is_drifted(c)).count(),
            oldest_sight: sights.min().flatten(),
        }
    };
    found.into_iter().map(group).collect()
}

/// How often each occurs; most first, and of two as frequent ones the higher.
fn tally<T: Ord>(all: impl Iterator<Item = T>) -> Vec<Share<T>> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    let mut shares: Vec<Share<T>> =
        counts.into_iter().rev().map(|(has, clusters)| Share { has, clusters }).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.clusters));
    shares
}

impl Screen for MatrixScreen {
    const KIND: &'static str = "ClusterMatrix";

    fn text(&self, look: &Look) -> String {
        let table = if self.grouped_by.is_empty() {
            self.bands(look, &|band, first| self.by_cluster(band, first, look))
        } else {
            self.bands(look, &|band, first| self.by_group(band, first))
        };
        let newest =
            self.newest.as_ref().map_or_else(|| "no release is cut".to_owned(), |id| format!("newest {id}"));
        let mut text = format!("{table}{}", dim(&format!("{newest} · {}\n", summary(&self.clusters))));
        if !self.grouped_by.is_empty() {
            let by = self.grouped_by.join(" and ");
            text.push_str(&dim(&format!("grouped by {by}; `--group cluster` shows each\n")));
        }
        text
    }

    fn next(&self) -> Option<String> {
        let behind = self.clusters.iter().max_by_key(|cluster| cluster.behind)?;
        Some(format!("tidegate cluster show {}", behind.cluster))
    }
}
