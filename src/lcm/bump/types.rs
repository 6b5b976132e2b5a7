//! What is asked of a bump, and what comes out of it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use super::field::Field;
use crate::catalog::ProductSource;
use crate::diag::{Findings, Place};
use crate::lcm::version::Level;
use crate::model::image::Repository;
use crate::model::{Mirror, Mirrors};
use crate::version::Version;

/// The source whose version moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moving {
    /// An image, by its upstream repository.
    Image(Repository),
    /// A Helm chart, by its name.
    Chart(String),
    /// A tool, by its project: `github:OWNER/NAME`.
    Tool(String),
    /// An add-on of a cloud: `eks/vpc-cni`.
    Addon(String),
}

impl fmt::Display for Moving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(repository) => write!(f, "{repository}"),
            Self::Chart(name) => write!(f, "chart {name}"),
            Self::Tool(name) | Self::Addon(name) => f.write_str(name),
        }
    }
}

impl Serialize for Moving {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let (kind, name) = match self {
            Self::Image(repository) => ("image", repository.to_string()),
            Self::Chart(name) => ("chart", name.clone()),
            Self::Tool(project) => ("tool", project.clone()),
            Self::Addon(name) => ("addon", name.clone()),
        };
        let mut out = serializer.serialize_struct("Moving", 2)?;
        out.serialize_field("kind", kind)?;
        out.serialize_field("name", &name)?;
        out.end()
    }
}

/// What becomes of digests that stand beside the version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Digests {
    /// A digest of the old version stops the bump (the default): nobody said what the new one is.
    #[default]
    Refuse,
    /// They become this one.
    Become(String),
    /// They are taken out: the tag alone stays.
    Drop,
}

/// What a person asks for, beside which source of which product.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The version that it moves from; the only one that is named, if absent.
    pub from: Option<String>,
    /// The version that it moves to.
    pub to: String,
    /// What becomes of digests.
    pub digest: Digests,
    /// The version of what a chart installs, where its `appVersion` is to say it.
    pub app_version: Option<String>,
    /// Registries that keep copies of others, beside those of the platform.
    pub mirrors: Vec<Mirror>,
    /// Fields that hold an image or a version though their names do not say so.
    pub fields: Vec<Field>,
    /// The product's new version; by the level of the step if absent.
    pub version: Option<Version>,
    /// Whether it may go back.
    pub lower: bool,
    /// Whether a chart's version may change though its content in the folder stays.
    pub keeps_content: bool,
    /// The day that the changelog gets.
    pub on: Date,
    /// Lines for the changelog: links, what was fixed.
    pub evidence: Vec<String>,
}

/// What is asked of a product.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The product as its folder is now.
    pub product: &'a ProductSource,
    /// What moves.
    pub moving: Moving,
    /// The versions of the product that have a tag.
    pub tagged: Vec<Version>,
    /// The registries of the platform that keep copies of others.
    pub mirrors: Mirrors,
    /// How.
    pub asked: Asked,
}

impl Request<'_> {
    /// All registries that keep copies of others.
    pub(super) fn all_mirrors(&self) -> Mirrors {
        let mut all = self.mirrors.clone();
        all.extend(self.asked.mirrors.iter().cloned());
        all
    }
}

/// A bump, not written yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Bump {
    /// The version that moved.
    pub from: String,
    /// What it moved to.
    pub to: String,
    /// How far that is; none where the two can't be compared.
    pub level: Option<Level>,
    /// The product's version before, and now.
    pub version: (Version, Version),
    /// The new texts of files that changed, by paths from the repository's root.
    pub files: BTreeMap<String, String>,
    /// What changed, in order of places.
    pub edits: Vec<Edit>,
    /// What was left as it is, in order of places.
    pub left: Vec<Left>,
    /// How many more mentions there are than are listed.
    pub unlisted: usize,
    /// What was asked for and fits nothing in the folder, as warnings.
    pub idle: Findings,
}

/// One scalar that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edit {
    /// Where it stood before.
    #[serde(flatten)]
    pub place: Place,
    /// The way to it, such as `spec.template.spec.containers[0].image`; empty in files that are only text.
    pub field: String,
    /// What it is.
    pub part: Part,
    /// Its text before.
    pub old: String,
    /// Its text now.
    pub new: String,
}

/// What a scalar is to the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A whole reference: repository with tag.
    Image,
    /// A tag by itself.
    Tag,
    /// A digest by itself.
    Digest,
    /// The version of a chart.
    ChartVersion,
    /// The version of what a chart installs.
    AppVersion,
    /// The version of a chart that another one depends on.
    Dependency,
    /// The version of a tool.
    Tool,
    /// The version of a cloud's add-on.
    Addon,
    /// The product's own version.
    Product,
}

/// Something that speaks of the source and was left as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Left {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Its text.
    pub text: String,
    /// Why it was left.
    pub reason: Reason,
    /// The reason in words.
    pub because: &'static str,
}

impl Left {
    /// Something with its reason.
    pub(super) fn new(place: &Place, text: impl Into<String>, reason: Reason) -> Self {
        Self { place: place.clone(), text: text.into(), reason, because: reason.words() }
    }
}

/// Why something was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It names another version of the source.
    AnotherVersion,
    /// It names no version.
    NoVersion,
    /// Its name only begins like the source's.
    AnotherImage,
    /// The same name at a registry that nobody called a mirror.
    AnotherRegistry,
    /// A chart of the same name in a repository that the product's file does not name.
    AnotherRepository,
    /// The values of the product stand above it, and say another version.
    Overridden,
    /// A template writes a part of it.
    Templated,
    /// It is a range.
    Range,
    /// It is the chart's own version, or what it says to install.
    Chart,
    /// A whole file that is no text, and is neither deployed nor tested as one.
    NoText,
    /// It stands in a block of text.
    Block,
    /// A comment or another text mentions it.
    Mentioned,
}

impl Reason {
    /// A sentence about what was left.
    pub fn words(self) -> &'static str {
        match self {
            Self::AnotherVersion => "it is at another version",
            Self::NoVersion => "it names no version",
            Self::AnotherImage => "it is another image",
            Self::AnotherRegistry => "it is at another registry, which is not called a mirror",
            Self::AnotherRepository => "it is a chart of another repository",
            Self::Overridden => "the product's values say another version",
            Self::Templated => "a template writes a part of it",
            Self::Range => "it is a range",
            Self::Chart => "it is the chart's own",
            Self::NoText => "the file is no text",
            Self::Block => "it stands in a block of text",
            Self::Mentioned => "it only mentions the version",
        }
    }
}
