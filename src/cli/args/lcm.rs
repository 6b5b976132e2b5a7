//! Commands on what is newer.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use crate::lcm::policy::{Pattern, Prereleases};
use crate::lcm::version::{Level, Scheme};
use crate::model::image::{Image, Repository};
use crate::model::{
    AcceptanceId, ClusterName, DeferralId, Duration, Expiry, ProductName, VulnerabilityId, package_name,
};
use crate::report::weekly::{Need, Since};

/// `lcm`.
#[derive(Debug, Subcommand)]
pub enum LcmCommand {
    /// What has newer versions upstream, what can't wait, and what to do about each.
    Report(LcmReport),
    /// Choose the newest of an image's tags, or of those on standard input.
    Pick(Box<LcmPick>),
    /// Say "not now" to newer versions of something, until a day.
    Defer(LcmDefer),
    /// Make a platform's files out of the config of k8s-platform-lcm.
    Import(LcmImport),
    /// Live with vulnerabilities until a day.
    Accept(LcmAccept),
}

/// `lcm accept`.
#[derive(Debug, Args)]
#[command(
    after_help = "\
Writes pipelines/acceptances/ID.yaml, and never over a file. Until its end the
report counts these vulnerabilities as accepted; afterwards they count again.

Example: tidegate lcm accept CVE-2026-1234 --product certs --owner security \\
           --until 2026-12-15 --reason \"the parser is not reached\"",
    group = ArgGroup::new("where").args(["product", "image"]).required(true).multiple(true)
)]
pub struct LcmAccept {
    /// The vulnerabilities, by any of their names.
    #[arg(value_name = "VULNERABILITY", required = true, value_parser = vulnerability)]
    pub vulnerabilities: Vec<VulnerabilityId>,
    /// Only in images of this product; may be given more than once.
    #[arg(long, value_name = "PRODUCT")]
    pub product: Vec<ProductName>,
    /// Only in images of this repository, whatever their tag; may be given more than once.
    #[arg(long, value_name = "REPOSITORY")]
    pub image: Vec<Repository>,
    /// Only in this package, by name or package URL without a version; may be given more than once.
    #[arg(long, value_name = "PACKAGE", value_parser = package)]
    pub package: Vec<String>,
    /// The team that answers for it.
    #[arg(long, value_name = "TEAM")]
    pub owner: String,
    /// Why it can be lived with.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The day (its end in UTC) or the moment at which it ends.
    #[arg(long, value_name = "DAY")]
    pub until: Expiry,
    /// The acceptance's id; the next free RISK-N if absent.
    #[arg(long, value_name = "ID")]
    pub id: Option<AcceptanceId>,
    /// Show the file, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// A name of a package, or its package URL without a version.
fn package(text: &str) -> Result<String, String> {
    package_name(text).map(|()| text.to_owned())
}

/// A name of a vulnerability, written as the makers of such names write them: what is misspelt covers nothing.
fn vulnerability(text: &str) -> Result<VulnerabilityId, String> {
    let id: VulnerabilityId =
        text.parse().map_err(|error: crate::model::VulnerabilityIdError| error.to_string())?;
    let word =
        |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    match id.as_str().split_once('-') {
        Some(("CVE", _)) if !id.is_cve() => Err("expected CVE-YEAR-NUMBER, such as CVE-2026-1234".to_owned()),
        Some(("GHSA", rest)) if rest.split('-').count() != 3 || !rest.split('-').all(word) => {
            Err("expected three groups of four, such as GHSA-2wrh-6pvc-2jm9".to_owned())
        }
        Some(_) => Ok(id),
        None => Err("expected a name such as CVE-2026-1234 or GHSA-2wrh-6pvc-2jm9".to_owned()),
    }
}

/// `lcm defer`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes pipelines/deferrals/ID.yaml. Until the day the report asks nothing for
it, but for what can't wait: what is gone, at its end of life, or incompatible.

Example: tidegate lcm defer cert-manager-controller --until 2026-12-15 \\
           --up-to v1.19.1 --reason \"after the fair\"")]
pub struct LcmDefer {
    /// A product, or one thing of it: the image, chart or tool, by its whole name or the last part.
    #[arg(value_name = "THING")]
    pub thing: String,
    /// The product that the thing is of, where several have it.
    #[arg(long, value_name = "PRODUCT")]
    pub product: Option<ProductName>,
    /// The highest version that waits; a newer one counts all the same.
    #[arg(long, value_name = "VERSION")]
    pub up_to: Option<String>,
    /// The team that answers for it; the product's if absent.
    #[arg(long, value_name = "TEAM")]
    pub owner: Option<String>,
    /// Why it can wait.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The day (its end in UTC) or the moment at which it ends.
    #[arg(long, value_name = "DAY")]
    pub until: Expiry,
    /// The deferral's id; the next free DEFER-N if absent.
    #[arg(long, value_name = "ID")]
    pub id: Option<DeferralId>,
}

/// `lcm import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every key of the config is in the files, or told with what to do instead.
Passwords and tokens are never shown or written. No file is written over.

Example: tidegate lcm import config.yaml --dry-run")]
pub struct LcmImport {
    /// The config of k8s-platform-lcm.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The product that gets the tools, charts and images.
    #[arg(long, value_name = "PRODUCT", default_value = "platform-tools")]
    pub product: ProductName,
    /// The team that owns it.
    #[arg(long, value_name = "TEAM", default_value = "platform")]
    pub owner: String,
    /// Show the files, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `--metric-names`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricNames {
    /// Our own.
    Tidegate,
    /// Those of k8s-platform-lcm: image_info, chart_info, github_info.
    #[value(name = "k8s-platform-lcm")]
    K8sPlatformLcm,
}

/// `--packages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhenPackages {
    /// When --product says of which products.
    Auto,
    /// Those of all charts that are behind.
    Always,
    /// None.
    Never,
}

/// `lcm report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Asks the sources that products name about everything that is declared, released
and running, each once. What does not answer is told as unknown.

Forms (-o): table, json, ndjson, markdown, html, csv, prometheus, sarif.

Examples:
  tidegate lcm report
  tidegate lcm report --only now --only soon -o markdown
  tidegate lcm report --live --cluster acme-prod
  tidegate lcm report -o html > report.html")]
pub struct LcmReport {
    /// Only these products; may be given more than once.
    #[arg(long, value_name = "PRODUCT")]
    pub product: Vec<ProductName>,
    /// Only what these teams own; may be given more than once.
    #[arg(long, value_name = "TEAM")]
    pub owner: Vec<String>,
    /// Only what needs this; may be given more than once.
    #[arg(long, value_name = "NEED", value_enum)]
    pub only: Vec<NeedArg>,
    /// Ask the clusters themselves which images they run, and what runs them.
    #[arg(long)]
    pub live: bool,
    /// Ask only this cluster; may be given more than once.
    #[arg(long, value_name = "CLUSTER", requires = "live")]
    pub cluster: Vec<ClusterName>,
    /// How long sources are waited for in all, and each cluster.
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub within: Duration,
    /// Fetch the packages of charts that are behind, two of each, and compare them.
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", conflicts_with = "answers")]
    pub packages: WhenPackages,
    /// Ask no source: take the answers from a file that --save-answers wrote.
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Write what the sources answered to a file; of answers that were read from a file, with their moment.
    #[arg(long, value_name = "FILE")]
    pub save_answers: Option<PathBuf>,
    /// Compare with the last report till then: a week, a day, a moment, or a time ago, such as 2w. Without it
    /// that is the newest report of an earlier week.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
    /// How metrics are named; with -o prometheus.
    #[arg(long, value_name = "NAMES", value_enum, default_value = "tidegate")]
    pub metric_names: MetricNames,
    /// End with exit code 10 when something needs action, and 24 when something is unknown.
    #[arg(long)]
    pub exit_code: bool,
}

/// `--only`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NeedArg {
    /// What breaks, or is about to.
    Now,
    /// What has something newer.
    Soon,
    /// What nobody knows about.
    Unknown,
    /// What waits for a release.
    Waits,
    /// What needs nothing.
    Nothing,
}

impl From<NeedArg> for Need {
    fn from(need: NeedArg) -> Self {
        match need {
            NeedArg::Now => Self::Now,
            NeedArg::Soon => Self::Soon,
            NeedArg::Unknown => Self::Unknown,
            NeedArg::Waits => Self::Waits,
            NeedArg::Nothing => Self::Nothing,
        }
    }
}

/// `lcm pick`.
#[derive(Debug, Args)]
#[command(after_help = "\
Schemes: auto (tags as people write them: same precision, same variant, no
prerelease), docker, semver, helm, loose, redhat, eks-addon, k8s, k8s-api, date,
lex, regex:RE. None is ever guessed.

Examples:
  tidegate lcm pick --image quay.io/jetstack/cert-manager-controller:v1.17.2
  git tag | tidegate lcm pick --current v1.17.2 --level minor --explain")]
pub struct LcmPick {
    /// The tag in use; of an image its own, if absent.
    #[arg(long, value_name = "TAG", required_unless_present = "image")]
    pub current: Option<String>,
    /// Ask the registry of this image for its tags, instead of reading them. With a digest, say also
    /// whether the tag has moved.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<Image>,
    /// How tags are read.
    #[arg(long, value_name = "SCHEME", default_value = "auto", value_parser = of_tags)]
    pub scheme: Scheme,
    /// Say of every higher tag that was not chosen which rule kept it out.
    #[arg(long)]
    pub explain: bool,
    /// The farthest step.
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "major")]
    pub level: LevelArg,
    /// Numbers that must stay: MAJOR, MAJOR.MINOR or MAJOR.MINOR.PATCH.
    #[arg(long, value_name = "NUMBERS", value_parser = pin)]
    pub pin: Option<[Option<u64>; 3]>,
    /// The range that a version must be in, as npm writes them; {{major}}, {{minor+1}} and
    /// {{patch}} stand for numbers of the current version.
    #[arg(long, value_name = "RANGE")]
    pub range: Option<String>,
    /// Only these tags count: a tag or /RE/; may be given more than once.
    #[arg(long, value_name = "TAG|/RE/", value_parser = Pattern::read)]
    pub allow: Vec<Pattern>,
    /// These tags never count: a tag or /RE/; may be given more than once.
    #[arg(long, value_name = "TAG|/RE/", value_parser = Pattern::read)]
    pub deny: Vec<Pattern>,
    /// Deprecated tags; they do not count unless the current one is deprecated.
    #[arg(long, value_name = "TAG|/RE/", value_parser = Pattern::read)]
    pub skip_deprecated: Vec<Pattern>,
    /// Only these majors count, such as 17,21,25.
    #[arg(long, value_name = "MAJOR", value_delimiter = ',')]
    pub lts: Vec<u64>,
    /// Which prereleases count.
    #[arg(long, value_name = "WHICH", value_enum, default_value = "auto")]
    pub prerelease: PrereleasesArg,
    /// Count missing numbers as zero, so that 1.2 may become 1.2.1.
    #[arg(long)]
    pub any_precision: bool,
    /// Do not compare the words of variants, so that 1.2-alpine may become 1.3.
    #[arg(long)]
    pub any_variant: bool,
    /// The most majors at once; 0 is as many as there are. The scheme auto has 500 if absent.
    #[arg(long, value_name = "N")]
    pub max_major_jump: Option<u64>,
    /// The layout of the scheme date, in strptime's letters; %Y-%m-%d if absent.
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<String>,
    /// Replace a text in tags before anything else is read.
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    pub replace: Option<Vec<String>>,
    /// What is read of a tag: the first group of an expression.
    #[arg(long, value_name = "RE")]
    pub extract: Option<regex::Regex>,
    /// End with exit code 10 when something newer counts.
    #[arg(long)]
    pub exit_code: bool,
}

/// `--level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelArg {
    /// Another first number.
    Major,
    /// The same first number.
    Minor,
    /// The same two first numbers.
    Patch,
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Major => Self::Major,
            LevelArg::Minor => Self::Minor,
            LevelArg::Patch => Self::Patch,
        }
    }
}

/// `--prerelease`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrereleasesArg {
    /// From a prerelease those of the same numbers; from a release none.
    Auto,
    /// All.
    Any,
    /// Only those with the word of the current one, and no releases.
    SameWord,
}

impl From<PrereleasesArg> for Prereleases {
    fn from(which: PrereleasesArg) -> Self {
        match which {
            PrereleasesArg::Auto => Self::Auto,
            PrereleasesArg::Any => Self::Any,
            PrereleasesArg::SameWord => Self::SameWord,
        }
    }
}

/// A scheme that reads tags: `pushed` asks when something was pushed, which no tag says.
fn of_tags(text: &str) -> Result<Scheme, String> {
    match text.parse() {
        Ok(Scheme::Pushed) => Err("tags do not say when they were pushed".to_owned()),
        Ok(scheme) => Ok(scheme),
        Err(error) => Err(error.to_string()),
    }
}

fn pin(text: &str) -> Result<[Option<u64>; 3], String> {
    let mut numbers = [None; 3];
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > numbers.len() {
        return Err("expected at most three numbers, such as 1.17".to_owned());
    }
    for (slot, part) in numbers.iter_mut().zip(parts) {
        *slot = Some(part.parse().map_err(|_| format!("`{part}` is no number"))?);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_misspelt_is_told() {
        for fits in
            ["CVE-2026-1234", "cve-2026-12345", "GHSA-2wrh-6pvc-2jm9", "RUSTSEC-2026-0001", "GO-2026-1"]
        {
            assert!(vulnerability(fits).is_ok(), "{fits}");
        }
        for not in
            ["CVE-26-1234", "CVE-2026-12", "CVE2026", "GHSA-2wrh-6pvc", "GHSA-2wrh-6pvc-2jm!", "", "a b"]
        {
            assert!(vulnerability(not).is_err(), "{not}");
        }
    }
}
