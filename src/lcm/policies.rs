//! Which policy holds for what: what a product says of its own source, else the first rule of
//! `pipelines/sources.yaml` that fits, else the first that comes with the program (`curated.yaml`), else the
//! usual one for its kind. One that can't be read is a finding at its place, and holds nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::declared::{Item, mirrors, of_upstream};
use super::policy::{Pattern, Policy, Prereleases};
use super::support::kubernetes::Provider;
use super::version::{Level, Range, Scheme};
use crate::catalog::Catalog;
use crate::diag::{Finding, Findings, codes};
use crate::model::{Farthest, Mirrors, Precision, Upstream, UpstreamPolicy, Variant, WhichPrereleases};
use crate::yaml::Spanned;

/// The rules that come with the program.
const CURATED: &str = include_str!("curated.yaml");

/// One rule that comes with the program.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Curated {
    of: String,
    policy: UpstreamPolicy,
    /// Why, for people who read the file.
    #[serde(rename = "because")]
    _because: String,
    #[serde(rename = "source")]
    _source: String,
}

/// The policies of a platform.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// What products say of their own sources.
    own: BTreeMap<(String, Item), UpstreamPolicy>,
    /// The rules of the platform, in order.
    rules: Vec<(Pick, UpstreamPolicy)>,
    /// What is said of an image is said of its copies, too.
    mirrors: Mirrors,
}

/// Which items a rule is for.
#[derive(Debug, Clone)]
struct Pick(Regex);

impl Pick {
    /// Reads a name with `*` (any part) and `**` (any number of parts).
    fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("it names nothing".to_owned());
        }
        let escaped = regex::escape(text).replace(r"\*\*", ".*").replace(r"\*", "[^/]*");
        Regex::new(&format!("^(?:{escaped})$")).map(Self).map_err(|error| error.to_string())
    }

    fn fits(&self, item: &Item) -> bool {
        self.0.is_match(&item.to_string())
    }
}

static COMES_ALONG: LazyLock<Vec<(Pick, UpstreamPolicy)>> = LazyLock::new(|| {
    let curated: Vec<Curated> = serde_saphyr::from_str(CURATED).unwrap_or_default();
    curated.into_iter().filter_map(|rule| Some((Pick::read(&rule.of).ok()?, rule.policy))).collect()
});

impl Policies {
    /// The policies of a catalog, with what is wrong in them.
    pub fn of(catalog: &Catalog) -> (Self, Findings) {
        let (mut all, mut findings) = (Self::default(), Findings::new());
        all.mirrors = mirrors(catalog);
        for (name, product) in &catalog.products {
            for upstream in &product.file.spec.upstream {
                if let Upstream::Kubernetes(kubernetes) = &upstream.value {
                    findings.extend(unknown_channel(&kubernetes.channel));
                }
                let (Some(item), Some(policy)) = of_upstream(&upstream.value) else { continue };
                if sound(policy, &mut findings) {
                    let message = || format!("{item} has a second policy");
                    let key = (name.to_string(), item.clone());
                    if all.own.insert(key, policy.clone()).is_some() {
                        let finding = Finding::error(&codes::CONTRADICTION, message()).at(&upstream.place);
                        findings.push(finding.hint("all entries of one thing share one: say it once"));
                    }
                }
            }
        }
        let rules = catalog.sources.iter().flat_map(|sources| &sources.file.spec.policies);
        for rule in rules {
            let of = &rule.value.of;
            match Pick::read(&of.value) {
                Ok(pick) if sound(&rule.value.policy, &mut findings) => {
                    all.rules.push((pick, rule.value.policy.clone()));
                }
                Ok(_) => {}
                Err(why) => findings.push(wrong(of, &format!("`{}` fits nothing: {why}", of.value))),
            }
        }
        (all, findings)
    }

    /// The policy for an item of a product: what is said of a copy, then what is said of where it comes from.
    pub fn of_item(&self, product: &str, item: &Item) -> Policy {
        let names = || std::iter::once(item.clone()).chain(item.origin(&self.mirrors));
        let own = names().find_map(|name| self.own.get(&(product.to_owned(), name)));
        let fitting = |rules: &'_ [(Pick, UpstreamPolicy)]| {
            let first = |name: Item| rules.iter().find(|(pick, _)| pick.fits(&name));
            names().find_map(first).map(|(_, policy)| policy.clone())
        };
        let layers = [own.cloned(), fitting(&self.rules), fitting(&COMES_ALONG)];
        let whole = layers.into_iter().flatten().reduce(above).unwrap_or_default();
        read(&whole, usual(item), &mut Findings::new())
    }
}

/// That nobody has a channel of this name.
fn unknown_channel(channel: &Spanned<String>) -> Option<Finding> {
    let finding = || {
        let message = format!("there is no channel `{}` of Kubernetes", channel.value);
        let known = Provider::ALL.map(Provider::channel);
        Finding::error(&codes::UNKNOWN_VALUE, message)
            .at(&channel.place)
            .label(format!("expected {}", known.join(", ")))
            .did_you_mean(&channel.value, known)
    };
    Provider::of_channel(&channel.value).is_none().then(finding)
}

/// How versions of an item are read, if nobody says otherwise.
fn usual(item: &Item) -> Scheme {
    match item {
        Item::Chart { .. } => Scheme::Helm,
        Item::Kubernetes(_) => Scheme::Kubernetes,
        Item::Addon { provider: Provider::Eks, .. } => Scheme::EksAddon,
        Item::Addon { .. } => Scheme::Loose,
        Item::Image(_) | Item::Tool(_) => Scheme::Auto,
    }
}

/// One policy over another: what the upper one does not say is as the lower one says.
fn above(upper: UpstreamPolicy, lower: UpstreamPolicy) -> UpstreamPolicy {
    let list = |upper: Vec<_>, lower| if upper.is_empty() { lower } else { upper };
    // A layout belongs to its scheme.
    let layout = if upper.scheme.is_some() { upper.layout } else { upper.layout.or(lower.layout) };
    UpstreamPolicy {
        layout,
        scheme: upper.scheme.or(lower.scheme),
        level: upper.level.or(lower.level),
        pin: upper.pin.or(lower.pin),
        range: upper.range.or(lower.range),
        allow: list(upper.allow, lower.allow),
        deny: list(upper.deny, lower.deny),
        skip_deprecated: list(upper.skip_deprecated, lower.skip_deprecated),
        lts: if upper.lts.is_empty() { lower.lts } else { upper.lts },
        prerelease: upper.prerelease.or(lower.prerelease),
        precision: upper.precision.or(lower.precision),
        variant: upper.variant.or(lower.variant),
        max_major_jump: upper.max_major_jump.or(lower.max_major_jump),
        replace: upper.replace.or(lower.replace),
        extract: upper.extract.or(lower.extract),
    }
}

/// Whether a policy can be read as a whole; what can't is told.
fn sound(policy: &UpstreamPolicy, findings: &mut Findings) -> bool {
    let mut own = Findings::new();
    read(policy, Scheme::Auto, &mut own);
    let sound = !own.has_errors();
    findings.extend(own);
    sound
}

/// A policy as it is written, over the scheme that is usual.
fn read(written: &UpstreamPolicy, usual: Scheme, findings: &mut Findings) -> Policy {
    let mut told = |text: &Spanned<String>, why: String| findings.push(wrong(text, &why));
    let scheme = match &written.scheme {
        None => usual,
        Some(text) => text.value.parse().unwrap_or_else(|error: super::version::SchemeError| {
            told(text, error.to_string());
            usual
        }),
    };
    let scheme = match (scheme, &written.layout) {
        (Scheme::Date(_), Some(layout)) => Scheme::Date(layout.value.clone()),
        (scheme, Some(layout)) => {
            told(layout, format!("the scheme {scheme} has no layout; only `date` has one"));
            scheme
        }
        (scheme, None) => scheme,
    };
    if let Some(range) = &written.range
        && let Some(any) = Scheme::Semver.read("1.0.0")
        && let Err(error) = Range::read(&range.value, &any)
    {
        told(range, error.to_string());
    }
    let mut patterns = |texts: &[Spanned<String>]| -> Vec<Pattern> {
        let read = |text: &Spanned<String>| match Pattern::read(&text.value) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                told(text, format!("`{}` is no regular expression: {error}", text.value));
                None
            }
        };
        texts.iter().filter_map(read).collect()
    };
    let (allow, deny) = (patterns(&written.allow), patterns(&written.deny));
    let skip_deprecated = patterns(&written.skip_deprecated);
    let extract = written.extract.as_ref().and_then(|text| match Regex::new(&text.value) {
        Ok(expression) => Some(expression),
        Err(error) => {
            told(text, format!("`{}` is no regular expression: {error}", text.value));
            None
        }
    });
    Policy {
        level: written.level.map_or(Level::Major, level),
        pin: written.pin.map_or([None; 3], |pin| [pin.major, pin.minor, pin.patch]),
        range: written.range.as_ref().map(|range| range.value.clone()),
        allow,
        deny,
        skip_deprecated,
        lts: written.lts.clone(),
        prerelease: written.prerelease.map_or(Prereleases::Auto, prereleases),
        any_precision: written.precision == Some(Precision::Any),
        any_variant: written.variant == Some(Variant::Ignore),
        max_major_jump: written.max_major_jump,
        replace: written.replace.as_ref().map(|pair| (pair.from.clone(), pair.to.clone())),
        extract,
        ..Policy::of(scheme)
    }
}

fn level(farthest: Farthest) -> Level {
    match farthest {
        Farthest::Major => Level::Major,
        Farthest::Minor => Level::Minor,
        Farthest::Patch => Level::Patch,
    }
}

fn prereleases(which: WhichPrereleases) -> Prereleases {
    match which {
        WhichPrereleases::Auto => Prereleases::Auto,
        WhichPrereleases::Any => Prereleases::Any,
        WhichPrereleases::SameWord => Prereleases::SameWord,
    }
}

fn wrong(text: &Spanned<String>, why: &str) -> Finding {
    Finding::error(&codes::INVALID_VALUE, why.to_owned()).at(&text.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;
    use crate::lcm::pick::pick;

    const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: certs }\nspec:\n  version: 1.0.0\n  owner: security\n  upstream:\n    - image: { repository: quay.io/a/b, policy: { level: patch } }\n    - image: { repository: quay.io/a/c, policy: { scheme: date, layout: \"%Y%m%d\" } }\n  deploy: []\n";

    fn sources(policies: &str) -> String {
        format!(
            "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: {{ name: sample }}\nspec:\n  policies: {policies}\n"
        )
    }

    fn image(name: &str) -> Item {
        Item::Image(name.parse().expect("a repository"))
    }

    fn newest(policies: &Policies, name: &str, current: &str, tags: &[&str]) -> Option<String> {
        let policy = policies.of_item("certs", &image(name));
        pick(current, tags, &policy).ok().and_then(|choice| choice.newest.map(str::to_owned))
    }

    #[test]
    fn two_policies_of_one_thing_are_none() {
        let twice = PRODUCT.replace("quay.io/a/c", "quay.io/a/b");
        let (_, findings) = Policies::of(&catalog(&[("products/certs/product.yaml", &twice)]));
        let told = findings.to_string();
        assert!(
            told.contains("quay.io/a/b has a second policy") && told.contains("product.yaml:9"),
            "{told}"
        );
    }

    #[test]
    fn a_products_own_word_comes_before_the_platforms_and_that_before_what_comes_along() {
        let file = sources(
            "[{ of: 'quay.io/a/*', policy: { level: minor, deny: [1.2.0] } }, { of: docker.io/library/node, policy: { level: major } }]",
        );
        let (policies, findings) = Policies::of(&catalog(&[
            ("products/certs/product.yaml", PRODUCT),
            ("pipelines/sources.yaml", &file),
        ]));
        assert!(findings.is_empty(), "{findings:?}");
        let tags = ["1.1.0", "1.1.1", "1.2.0", "1.1.9", "2.0.0"];
        assert_eq!(newest(&policies, "quay.io/a/b", "1.1.0", &tags).as_deref(), Some("1.1.9"));
        assert_eq!(newest(&policies, "quay.io/a/x", "1.1.0", &tags).as_deref(), Some("1.1.9"));
        assert_eq!(newest(&policies, "quay.io/x/a", "1.1.0", &tags).as_deref(), Some("2.0.0"));
        assert_eq!(
            newest(&policies, "quay.io/a/c", "20250101", &["20250101", "20260101"]).as_deref(),
            Some("20260101")
        );
        assert_eq!(
            newest(&policies, "node", "22.0.0", &["22.0.0", "23.0.0", "24.0.0"]).as_deref(),
            Some("24.0.0")
        );
        assert_eq!(newest(&policies, "node", "22.0.0", &["22.0.0", "23.0.0"]), None);
    }

    #[test]
    fn what_is_said_of_an_image_is_said_of_its_copies() {
        let file = "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: { name: sample }\nspec:\n  mirrors:\n    - { at: r.example.com/quay, of: quay.io }\n    - { at: r.example.com/hub, of: docker.io }\n  policies: [{ of: 'quay.io/x/*', policy: { level: patch } }, { of: r.example.com/quay/x/own, policy: { level: major } }]\n";
        let (policies, findings) = Policies::of(&catalog(&[
            ("products/certs/product.yaml", PRODUCT),
            ("pipelines/sources.yaml", file),
        ]));
        assert!(findings.is_empty(), "{findings:?}");
        let tags = ["1.1.0", "1.1.1", "1.2.0", "2.0.0"];
        let newest = |name: &str| newest(&policies, name, "1.1.0", &tags);
        assert_eq!(newest("r.example.com/quay/x/y").as_deref(), Some("1.1.1"));
        assert_eq!(newest("r.example.com/quay/a/b").as_deref(), Some("1.1.1"));
        assert_eq!(newest("r.example.com/quay/x/own").as_deref(), Some("2.0.0"));
        assert_eq!(newest("r.example.com/quayx/x/y").as_deref(), Some("2.0.0"));
        let node = policies.of_item("certs", &image("r.example.com/hub/node"));
        assert_eq!(node.lts, policies.of_item("certs", &image("node")).lts);
        assert!(!node.lts.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told_where_it_stands() {
        let file = sources(
            "\n    - of: a\n      policy: { scheme: semvar }\n    - of: ''\n      policy: {}\n    - of: b\n      policy: { range: '>>1', allow: ['/(/'], extract: '(', layout: '%Y' }",
        );
        let (_, findings) = Policies::of(&catalog(&[("pipelines/sources.yaml", &file)]));
        let told: Vec<String> = findings
            .iter()
            .map(|finding| {
                format!(
                    "{} {}",
                    finding.place.as_ref().map(ToString::to_string).unwrap_or_default(),
                    finding.message
                )
            })
            .collect();
        assert_eq!(told.len(), 6, "{told:#?}");
        assert!(told[0].starts_with("pipelines/sources.yaml:7:25 there is no scheme `semvar`"), "{told:#?}");
        assert!(told.iter().all(|line| line.starts_with("pipelines/sources.yaml:")), "{told:#?}");
    }

    #[test]
    fn every_rule_that_comes_along_can_be_read_and_says_why() {
        let curated: Vec<Curated> = serde_saphyr::from_str(CURATED).expect("the file is read");
        assert_eq!(COMES_ALONG.len(), curated.len());
        let mut findings = Findings::new();
        assert!(curated.iter().all(|rule| sound(&rule.policy, &mut findings)), "{findings:?}");
        assert!(curated.iter().all(|rule| rule._source.starts_with("https://") && !rule._because.is_empty()));
    }
}
