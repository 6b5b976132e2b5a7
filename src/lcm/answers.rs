//! Answers of sources as a file: what was asked at one place is reported at another, where nothing can be
//! asked, and a report can be made again from what it was made from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::changelogs::Changelog;
use super::charts::Entry;
use super::compared::Compared;
use super::declared::{Item, addon_of};
use super::material::Material;
use super::row::Answers;
use super::support::known;
use super::support::kubernetes::{AddonVersion, Addons, Offered, Provider};
use super::support::product::Product;
use super::upstream::{Answer, Known, Published, Silence, Tags, Unanswered};
use crate::model::Support;

/// The kind of the document.
pub const KIND: &str = "LcmAnswers";

/// What sources answered, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Recorded {
    /// When they were asked.
    pub at: jiff::Timestamp,
    /// What they answered about each thing.
    pub answers: Vec<Entries>,
    /// What forges answered about the releases of projects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Releases>,
    /// Who was asked about something else than versions and gave no answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<SilentSource>,
    /// The changelogs of projects whose releases tell nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changelogs: Vec<OfProject>,
    /// What the packages of charts differ in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Packages>,
    /// What providers offer of Kubernetes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offered: Vec<Offered>,
    /// Who told of add-ons, and when; what they told stands with the answers about each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addons: Vec<ToldAddons>,
    /// What the public data set told of until when versions are supported: of the products that the things are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub support: Vec<Product>,
    /// What was said about vulnerabilities, in the words of `scan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scans: Option<serde_json::Value>,
}

/// Who gave no answer about something else than versions: the releases of a project, support windows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SilentSource {
    source: String,
    silence: Silence,
    why: String,
}

/// That a provider told of its add-ons.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ToldAddons {
    provider: Provider,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<jiff::Timestamp>,
}

/// The changelog of a project.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OfProject {
    project: String,
    changelog: Changelog,
}

/// What the packages of a chart differ in, to a product.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Packages {
    product: String,
    repository: String,
    chart: String,
    compared: Compared,
}

/// The releases of a project.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Releases {
    project: String,
    releases: Vec<Published>,
}

/// What a source answered about one thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Entries {
    /// `image`, `chart`, `tool`, `addon` or `kubernetes`.
    kind: String,
    /// The repository of images, the chart's name, the project, the channel.
    name: String,
    /// Of a chart: its repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    /// What is published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// Of an image at a mirror: what the mirror has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mirrored: Option<Vec<String>>,
    /// Of an image at a mirror that told nothing: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silent_mirror: Option<SilentSource>,
    /// What is known of some tags, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    known: BTreeMap<String, Known>,
    /// Of a chart: what its repository says of each version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Entry>,
    /// Of a cloud's add-on: with which minors of Kubernetes each version goes, and of which it is the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fits: Vec<Fits>,
    /// What of the answer could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// If no answer came: what kind of silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silence: Option<Silence>,
    /// If no answer came: why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A version of a cloud's add-on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fits {
    version: String,
    /// The minors that it goes with, and of which of them it is the default.
    minors: BTreeMap<String, bool>,
}

impl Fits {
    fn of(one: &AddonVersion) -> Self {
        let minors = one.minors.iter().map(|(minor, default)| (minor.to_string(), *default)).collect();
        Self { version: one.version.clone(), minors }
    }

    /// The version; what is no minor goes with nothing.
    fn read(self) -> AddonVersion {
        let minors =
            self.minors.into_iter().filter_map(|(minor, default)| Some((minor.parse().ok()?, default)));
        AddonVersion { version: self.version, minors: minors.collect() }
    }
}

impl Recorded {
    /// The answers of a moment.
    pub fn of(
        answers: &Answers,
        material: &Material,
        silent: &[(String, Unanswered)],
        at: jiff::Timestamp,
    ) -> Self {
        let answered =
            material.releases.iter().filter_map(|(project, all)| Some((project, all.as_ref().ok()?)));
        let releases = answered
            .map(|(project, all)| Releases { project: project.to_string(), releases: all.to_vec() })
            .collect();
        let silent = silent.iter().map(|(source, silent)| SilentSource {
            source: source.clone(),
            silence: silent.why,
            why: silent.message.clone(),
        });
        let about = answers.keys();
        let answers = answers.iter().map(|(item, answer)| entries(item, answer)).collect();
        let answered =
            material.changelogs.iter().filter_map(|(project, file)| Some((project, file.as_ref().ok()?)));
        let changelogs = answered
            .map(|(project, file)| OfProject { project: project.to_string(), changelog: file.clone() });
        let packages = material.compared.iter().filter_map(|((product, item), compared)| match item {
            Item::Chart { repository, name } => Some(Packages {
                product: product.clone(),
                repository: repository.clone(),
                chart: name.clone(),
                compared: compared.clone(),
            }),
            _ => None,
        });
        let told = |one: &Arc<Addons>| ToldAddons { provider: one.provider, recorded: one.recorded };
        Self {
            at,
            answers,
            releases,
            silent: silent.collect(),
            changelogs: changelogs.collect(),
            packages: packages.collect(),
            offered: material.offered.values().map(|one| Offered::clone(one)).collect(),
            addons: material.addons.values().map(told).collect(),
            support: material.known.may_be(about),
            scans: None,
        }
    }

    /// Who gave no answer about something else than versions, and why.
    pub fn silent(&self) -> Vec<(String, Unanswered)> {
        let told = |one: &SilentSource| (one.source.clone(), Unanswered::new(one.silence, one.why.clone()));
        self.silent.iter().map(told).collect()
    }

    /// The answers by what they are about. `own` is what a file of one's own says of support.
    ///
    /// # Errors
    /// Which of them is about nothing there can be.
    pub fn read(self, own: Option<&Support>) -> Result<(Answers, Material), String> {
        let known = known::Known::new(self.support.into_iter().map(Arc::new), own);
        let mut material = Material { known, ..Material::default() };
        for one in self.releases {
            let project = one.project.parse().map_err(|error| format!("releases: {error}"))?;
            material.releases.insert(project, Ok(one.releases.into()));
        }
        for one in self.changelogs {
            let project = one.project.parse().map_err(|error| format!("changelogs: {error}"))?;
            let Changelog { at, path, text, cut } = one.changelog;
            let file = Changelog::of(&at, &path, text);
            material.changelogs.insert(project, Ok(Changelog { cut: cut || file.cut, ..file }));
        }
        for one in self.packages {
            let item = Item::Chart { repository: one.repository, name: one.chart };
            material.compared.insert((one.product, item), one.compared.cleaned());
        }
        for one in self.offered {
            material.offered.insert(one.provider, Arc::new(one.cleaned()));
        }
        for ToldAddons { provider, recorded } in self.addons {
            let told = Addons { provider, all: Vec::new(), recorded };
            material.addons.insert(provider, Arc::new(told));
        }
        let numbered = self.answers.into_iter().enumerate();
        let read = |(number, one): (usize, Entries)| {
            let item = one.item().ok_or_else(|| {
                format!("answer {} is about no thing: {} `{}`", number + 1, one.kind, one.name)
            })?;
            Ok((item, one.answer()))
        };
        Ok((numbered.map(read).collect::<Result<_, String>>()?, material))
    }
}

fn listed(tags: &Tags) -> Vec<String> {
    tags.iter().map(str::to_owned).collect()
}

fn entries(item: &Item, answer: &Result<Answer, Unanswered>) -> Entries {
    let (name, repository) = match item {
        Item::Chart { repository, name } => (name.clone(), Some(repository.clone())),
        Item::Kubernetes(channel) => (channel.clone(), None),
        Item::Image(_) | Item::Tool(_) | Item::Addon { .. } => (item.to_string(), None),
    };
    let empty = Entries {
        kind: item.kind().to_owned(),
        name,
        repository,
        tags: Vec::new(),
        mirrored: None,
        silent_mirror: None,
        known: Default::default(),
        versions: Vec::new(),
        fits: Vec::new(),
        notes: Vec::new(),
        silence: None,
        why: None,
    };
    match answer {
        Ok(answer) => Entries {
            tags: listed(&answer.tags),
            mirrored: answer.mirrored.as_deref().map(listed),
            silent_mirror: answer.silent_mirror.as_ref().map(|silent| SilentSource {
                source: item.source(),
                silence: silent.why,
                why: silent.message.clone(),
            }),
            known: answer.tags.known.clone(),
            versions: answer.entries.clone(),
            fits: answer.addon.iter().map(Fits::of).collect(),
            notes: answer.notes.clone(),
            ..empty
        },
        Err(silent) => Entries { silence: Some(silent.why), why: Some(silent.message.clone()), ..empty },
    }
}

impl Entries {
    fn item(&self) -> Option<Item> {
        match (self.kind.as_str(), &self.repository) {
            ("image", None) => self.name.parse().ok().map(Item::Image),
            ("tool", None) => self.name.parse().ok().map(Item::Tool),
            ("addon", None) => addon_of(&self.name),
            ("kubernetes", None) => Some(Item::Kubernetes(self.name.clone())),
            ("chart", Some(repository)) => {
                Some(Item::Chart { repository: repository.clone(), name: self.name.clone() })
            }
            _ => None,
        }
    }

    fn answer(self) -> Result<Answer, Unanswered> {
        if let Some(silence) = self.silence {
            return Err(Unanswered::new(silence, self.why.unwrap_or_else(|| silence.words().to_owned())));
        }
        let mut tags: Tags = self.tags.iter().collect();
        tags.known = self.known;
        let mirrored = self.mirrored.map(|tags| tags.iter().collect::<Tags>().into());
        Ok(Answer {
            tags: tags.into(),
            entries: self.versions,
            addon: self.fits.into_iter().map(Fits::read).collect(),
            mirrored,
            silent_mirror: self.silent_mirror.map(|one| Unanswered::new(one.silence, one.why)),
            notes: self.notes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::support::cycle::{End, Ends};
    use crate::lcm::support::kubernetes::{OfferedVersion, Plan};
    use crate::version::KubeVersion;

    #[test]
    fn what_is_written_is_read_again() {
        let mut tags: Tags = ["1.0", "1.1"].into_iter().collect();
        let known = Known { digest: Some(format!("sha256:{}", "a".repeat(64))), ..Known::default() };
        tags.known.insert("1.0".to_owned(), known);
        let mirrored = Some(std::sync::Arc::new(["1.0"].into_iter().collect()));
        let chart =
            Item::Chart { repository: "https://charts.example.com".to_owned(), name: "certs".to_owned() };
        let entry = Entry { version: "2.0.0".to_owned(), deprecated: true, ..Entry::default() };
        let answers = Answers::from([
            (
                Item::Image("quay.io/a/b".parse().expect("a repository")),
                Ok(Answer { mirrored, ..Answer::of(tags.into()) }),
            ),
            (
                chart,
                Ok(Answer { entries: vec![entry], notes: vec!["a note".to_owned()], ..Answer::default() }),
            ),
            (
                Item::Tool("github:a/b".parse().expect("a project")),
                Err(Unanswered::new(Silence::Limited, "later")),
            ),
            (Item::Kubernetes("stable".to_owned()), Ok(Answer::default())),
        ]);
        let now = "2026-11-22T20:00:00Z".parse().expect("a moment");
        let release = Published {
            tag: "v1".to_owned(),
            title: None,
            at: None,
            prerelease: false,
            notes: "- a change".to_owned(),
            url: None,
        };
        let mut material = Material::default();
        material.releases.insert("github:a/b".parse().expect("a project"), Ok(vec![release].into()));
        let silent = [("endoflife.date".to_owned(), Unanswered::new(Silence::Unreachable, "no route"))];
        let file = Changelog::of("v1", "CHANGELOG.md", "# v1\n\n- a change\n".to_owned());
        material.changelogs.insert("gitlab:a/b".parse().expect("a project"), Ok(file));
        let chart = Item::Chart { repository: "oci://ghcr.io/charts".to_owned(), name: "web".to_owned() };
        let compared = Compared::failed("1.0.0", "2.0.0", "the package of web 2.0.0: it answered 404");
        material.compared.insert(("shop".to_owned(), chart), compared);
        let text = serde_json::to_string(&Recorded::of(&answers, &material, &silent, now)).expect("JSON");
        let again: Recorded = serde_json::from_str(&text).expect("it is read");
        assert_eq!((again.at, format!("{:?}", again.silent())), (now, format!("{silent:?}")));
        let (again, learned) = again.read(None).expect("it is about things");
        assert_eq!(format!("{again:?}"), format!("{answers:?}"));
        assert_eq!(format!("{:?}", learned.releases), format!("{:?}", material.releases));
        assert_eq!((learned.changelogs, learned.compared), (material.changelogs, material.compared));
    }

    #[test]
    fn what_providers_offer_is_read_again() {
        let now = "2026-11-22T20:00:00Z".parse().expect("a moment");
        let version = |text: &str| text.parse::<KubeVersion>().expect("a version");
        let newer = OfferedVersion {
            plan: Plan::Extended,
            platform: Some("eks.5".to_owned()),
            channels: ["regular".to_owned()].into(),
            released: Some(jiff::civil::date(2026, 1, 2)),
            ends: Ends {
                life: End::On(jiff::civil::date(2027, 3, 4)),
                extended: End::Open,
                ..Ends::default()
            },
            upgrades: vec![version("1.36")],
            ..OfferedVersion::new(version("1.35"))
        };
        let offered = Offered {
            provider: Provider::Eks,
            versions: vec![newer, OfferedVersion::new(version("1.34"))],
            nodes: vec![version("1.34.2")],
            recorded: Some(now),
            problems: vec!["a problem".to_owned()],
        };
        let told = Addons { provider: Provider::Eks, all: Vec::new(), recorded: Some(now) };
        let mut material = Material::default();
        material.offered.insert(Provider::Eks, Arc::new(offered));
        material.addons.insert(Provider::Eks, Arc::new(told));
        let text = serde_json::to_string(&Recorded::of(&Answers::new(), &material, &[], now)).expect("JSON");
        let again: Recorded = serde_json::from_str(&text).expect("it is read");
        let (_, learned) = again.read(None).expect("it is about things");
        assert_eq!((learned.offered, learned.addons), (material.offered, material.addons));
        // By hand: out of order, twice, and with what no terminal should get.
        let text = text
            .replace("\"a problem\"", "\"a\\u001b[31m problem\"")
            .replace("\"version\":\"1.34\"", "\"version\":\"1.35\"");
        let again: Recorded = serde_json::from_str(&text).expect("it is read");
        let (_, learned) = again.read(None).expect("it is about things");
        let offered = &learned.offered[&Provider::Eks];
        assert_eq!((offered.versions.len(), offered.problems[0].as_str()), (1, "a[31m problem"));
    }

    #[test]
    fn until_when_things_are_supported_is_read_again() {
        const FULL: &[u8] = include_bytes!("../../tests/upstream/fixtures/endoflife/full.json");
        let now = "2026-11-22T20:00:00Z".parse().expect("a moment");
        let products = super::super::support::dataset::whole(FULL).expect("a data set").products;
        let material = Material { known: known::Known::new(products, None), ..Material::default() };
        let items = [Item::Image("redis".parse().expect("an image")), Item::Kubernetes("eks".to_owned())];
        let answers = items.clone().map(|item| (item, Ok(Answer::default()))).into();
        let text = serde_json::to_string(&Recorded::of(&answers, &material, &[], now)).expect("JSON");
        assert!(!text.contains("Debian"), "only of what is asked about");
        let again: Recorded = serde_json::from_str(&text).expect("it is read");
        let (_, learned) = again.read(None).expect("it is about things");
        let today = jiff::civil::date(2026, 11, 22);
        for (item, version) in items.iter().zip(["7.2.4", "1.34"]) {
            let window = |known: &known::Known| known.window(item, version, today);
            assert!(window(&material.known).standing().is_some(), "{item}");
            assert_eq!(window(&learned.known), window(&material.known));
        }
    }

    #[test]
    fn what_is_about_nothing_is_told() {
        let text = r#"{"at":"2026-11-22T20:00:00Z","answers":[{"kind":"image","name":"quay.io/a:b"}]}"#;
        let recorded: Recorded = serde_json::from_str(text).expect("it is read");
        assert_eq!(
            recorded.read(None).err().as_deref(),
            Some("answer 1 is about no thing: image `quay.io/a:b`")
        );
    }
}
