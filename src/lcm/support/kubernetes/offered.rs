//! What a provider offers: versions with their defaults, plans and ends. How each provider tells it is for the
//! files beside this one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::cycle::{End, Ends};
use super::super::loose::Leaf;
use super::super::standing::Standing;
use super::super::{days, tidy};
use super::Provider;
use crate::diag::count;
use crate::version::{KubeMinor, KubeVersion};

/// How many problems of one answer are told.
const MOST_PROBLEMS: usize = 50;

/// How many versions of one provider are read from a file of answers.
const MOST_VERSIONS: usize = 2_000;

/// What a provider offers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Offered {
    /// Who.
    pub provider: Provider,
    /// The versions for control planes, the newest first; each once.
    pub versions: Vec<OfferedVersion>,
    /// The versions for nodes, the newest first, where they are told apart.
    pub nodes: Vec<KubeVersion>,
    /// When this was told, if that is known.
    pub recorded: Option<Timestamp>,
    /// What of it can't be read, in words.
    pub problems: Vec<String>,
}

/// A version that is offered: a minor, or a full one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OfferedVersion {
    /// The version as the provider writes it.
    pub version: KubeVersion,
    /// The patch release that a minor stands for now.
    pub patch: Option<KubeVersion>,
    /// The provider's own version beside it.
    pub platform: Option<String>,
    /// The channels that have it, as the provider names them.
    pub channels: BTreeSet<String>,
    /// Those of them in which a new cluster gets it.
    pub default_of: BTreeSet<String>,
    /// Those of them that raise clusters to it by themselves.
    pub target_of: BTreeSet<String>,
    /// Whether a cluster gets it that asks for none.
    pub is_default: bool,
    /// By which plan it is supported.
    pub plan: Plan,
    /// Since when it is offered.
    pub released: Option<Date>,
    /// When its support ends, where the provider tells it.
    pub ends: Ends,
    /// The versions that the provider raises it to, where it tells them.
    pub upgrades: Vec<KubeVersion>,
}

/// How a version is supported by its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// Without extra conditions.
    Standard,
    /// For more money, or only in a plan for long support.
    Extended,
    /// To be tried out: nobody promises anything.
    Preview,
    /// Not any more.
    Unsupported,
    /// Nobody can say.
    Unknown,
}

impl OfferedVersion {
    /// The same with texts and lists as short as a provider's own answer leaves them.
    fn cleaned(self) -> Self {
        let tidied =
            |texts: BTreeSet<String>| texts.iter().take(MOST_PROBLEMS).map(|text| tidy(text)).collect();
        Self {
            platform: self.platform.as_deref().map(tidy),
            channels: tidied(self.channels),
            default_of: tidied(self.default_of),
            target_of: tidied(self.target_of),
            upgrades: self.upgrades.into_iter().take(MOST_VERSIONS).collect(),
            ..self
        }
    }

    /// A version of which only the number is known.
    pub fn new(version: KubeVersion) -> Self {
        Self {
            version,
            patch: None,
            platform: None,
            channels: BTreeSet::new(),
            default_of: BTreeSet::new(),
            target_of: BTreeSet::new(),
            is_default: false,
            plan: Plan::Unknown,
            released: None,
            ends: Ends::default(),
            upgrades: Vec::new(),
        }
    }

    /// Whether a cluster may be raised to it.
    pub fn is_usable(&self) -> bool {
        matches!(self.plan, Plan::Standard | Plan::Extended | Plan::Unknown)
    }

    /// Where it stands on a day: by the ends that its provider tells.
    pub fn standing(&self, today: Date) -> Standing {
        Standing::of(&self.ends, today)
    }
}

/// What was read of an answer so far.
pub(super) struct Reading {
    provider: Provider,
    recorded: Option<Timestamp>,
    found: BTreeMap<KubeVersion, OfferedVersion>,
    nodes: BTreeSet<KubeVersion>,
    problems: Vec<String>,
}

impl Reading {
    /// Nothing yet; `recorded` is when the answer was written down.
    pub fn new(provider: Provider, recorded: &Leaf) -> Self {
        let recorded = recorded.text().and_then(moment);
        Self { provider, recorded, found: BTreeMap::new(), nodes: BTreeSet::new(), problems: Vec::new() }
    }

    /// The entry of a version, made if there is none.
    pub fn entry(&mut self, version: KubeVersion) -> &mut OfferedVersion {
        self.found.entry(version).or_insert_with_key(|version| OfferedVersion::new(version.clone()))
    }

    /// All entries.
    pub fn entries(&mut self) -> impl Iterator<Item = &mut OfferedVersion> {
        self.found.values_mut()
    }

    /// A version for nodes.
    pub fn node(&mut self, version: KubeVersion) {
        self.nodes.insert(version);
    }

    /// Tells something that can't be read; of very many only the first ones are kept.
    pub fn tell(&mut self, problem: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Reads a version, or tells that it is none.
    pub fn version(&mut self, leaf: &Leaf, what: &str) -> Option<KubeVersion> {
        let why = match leaf {
            Leaf::Text(text) => match text.parse() {
                Ok(version) => return Some(version),
                Err(_) => format!("{what} `{}` is no version of Kubernetes", tidy(text)),
            },
            other => format!("{what} is {}, expected a version", other.kind()),
        };
        self.tell(why);
        None
    }

    /// All of it, the newest first.
    pub fn done(self) -> Offered {
        Offered {
            provider: self.provider,
            versions: self.found.into_values().rev().collect(),
            nodes: self.nodes.into_iter().rev().collect(),
            recorded: self.recorded,
            problems: self.problems,
        }
    }
}

impl Offered {
    /// The versions of a minor, the newest first.
    pub fn of_minor(&self, minor: KubeMinor) -> impl Iterator<Item = &OfferedVersion> {
        self.versions.iter().filter(move |offered| offered.version.minor() == minor)
    }

    /// What clusters may be raised to that follow a channel, as products name it: of GKE those of its release
    /// channel (`gke-regular`), of the project none above the channel's own minor (`stable-1.36`); else all.
    ///
    /// # Errors
    /// When there is no such channel; with those that there are.
    pub fn of_channel(&self, channel: &str) -> Result<Vec<&OfferedVersion>, String> {
        let usable = || self.versions.iter().filter(|offered| offered.is_usable());
        let Some((_, name)) = channel.split_once('-') else { return Ok(usable().collect()) };
        match self.provider {
            Provider::Gke => {
                let name = name.to_ascii_uppercase();
                let found: Vec<_> =
                    self.versions.iter().filter(|offered| offered.channels.contains(&name)).collect();
                if found.is_empty() {
                    let known: BTreeSet<String> = self
                        .versions
                        .iter()
                        .flat_map(|offered| &offered.channels)
                        .map(|name| format!("gke-{}", name.to_ascii_lowercase()))
                        .collect();
                    let known: Vec<String> = known.into_iter().collect();
                    return Err(format!("GKE has no channel `{channel}`; it has {}", known.join(", ")));
                }
                Ok(found)
            }
            Provider::Upstream => match name.parse::<KubeMinor>() {
                Ok(last) => Ok(usable().filter(|offered| offered.version.minor() <= last).collect()),
                Err(_) => Err(format!("Kubernetes has no channel `{channel}`")),
            },
            Provider::Eks | Provider::Aks => Ok(usable().collect()),
        }
    }

    /// What a cluster gets that asks for nothing.
    pub fn default(&self) -> Option<&OfferedVersion> {
        self.versions.iter().find(|offered| offered.is_default)
    }

    /// The highest minor that a cluster may be raised to.
    pub fn highest(&self) -> Option<KubeMinor> {
        self.versions
            .iter()
            .filter(|offered| offered.is_usable())
            .map(|offered| offered.version.minor())
            .max()
    }

    /// When support of a minor ends, as the provider tells it; nothing if it tells no day.
    pub fn ends(&self, minor: KubeMinor) -> Option<Ends> {
        self.of_minor(minor).map(|offered| offered.ends).find(|ends| *ends != Ends::default())
    }

    /// That this was told too many days ago, in words with the command that tells it anew; also if nobody knows
    /// when. Nothing while it is young.
    pub fn stale(&self, now: Timestamp, most_days: u32) -> Option<String> {
        let recording = self.provider.versions()?;
        stale(&recording, self.recorded, now, most_days)
    }
}

impl Offered {
    /// What a file of answers says, which somebody may have written by hand: in order, each version once, and
    /// no more of it than a provider's own answer could leave.
    pub fn cleaned(mut self) -> Self {
        self.versions.sort_by(|a, b| b.version.cmp(&a.version));
        self.versions.dedup_by(|a, b| a.version == b.version);
        self.nodes.sort_by(|a, b| b.cmp(a));
        self.nodes.dedup();
        self.nodes.truncate(MOST_VERSIONS);
        Self {
            versions: self.versions.into_iter().take(MOST_VERSIONS).map(OfferedVersion::cleaned).collect(),
            problems: self.problems.iter().take(MOST_PROBLEMS).map(|text| tidy(text)).collect(),
            ..self
        }
    }
}

/// As [`Offered::stale`], of any file with a provider's answer.
pub(super) fn stale(
    recording: &super::Recording,
    recorded: Option<Timestamp>,
    now: Timestamp,
    most_days: u32,
) -> Option<String> {
    let super::Recording { file, command } = recording;
    let Some(recorded) = recorded else {
        return Some(format!("nobody says when `{file}` was written; `{command}` writes it anew"));
    };
    let day = |moment: Timestamp| moment.to_zoned(TimeZone::UTC).date();
    let age = days(day(recorded), day(now));
    match age {
        age if age < -1 => {
            Some(format!("`{file}` says that it was written on {}, which is to come", day(recorded)))
        }
        age if age > i64::from(most_days) => {
            let old = count(age, "day");
            Some(format!("`{file}` is {old} old, more than {most_days}; `{command}` writes it anew"))
        }
        _ => None,
    }
}

/// A moment, or the beginning of a day in UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<Date>().ok().filter(|_| text.len() == "2026-12-02".len());
    let begin = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|begin| begin.timestamp());
    text.parse().ok().or_else(|| begin(day()?))
}

/// A day as clouds tell it: a moment in text or in seconds since 1970, or the day alone.
///
/// # Errors
/// When something stands there that is none of them.
pub(super) fn day(name: &str, leaf: &Leaf) -> Result<Option<Date>, String> {
    let found = match leaf {
        Leaf::Missing => return Ok(None),
        Leaf::Text(text) => moment(text).ok_or_else(|| format!("`{}`", tidy(text))),
        Leaf::Number(seconds) => Timestamp::from_second(*seconds).map_err(|_| seconds.to_string()),
        other => Err(other.kind().to_owned()),
    };
    match found {
        Ok(moment) => Ok(Some(moment.to_zoned(TimeZone::UTC).date())),
        Err(what) => Err(format!("`{name}` is {what}, which is no day")),
    }
}

/// A last day as an end.
pub(super) fn end(day: Option<Date>) -> End {
    day.map_or(End::Absent, End::On)
}
