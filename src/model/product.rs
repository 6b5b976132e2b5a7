//! A product: a part of the platform that is deployed, configured and tested by itself, in the
//! folder `products/NAME`. This file says what a product's file can say; whether its folder keeps
//! to it is for `catalog` to find.

use std::collections::BTreeMap;

use super::{Document, Duration, ProductName, Selector, StepName, UpstreamPolicy};
use crate::version::{KubeRange, Range, Version};
use crate::yaml::{Node, Spanned};

/// `products/NAME/product.yaml`.
pub type ProductFile = Document<ProductName, Product>;

/// A part of the platform.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Product {
    /// The version of this content; raised with every change that is to be released.
    pub version: Spanned<Version>,
    /// The team that answers for it.
    pub owner: Spanned<String>,
    /// Which clusters get it; all if absent.
    #[serde(default, rename = "where")]
    pub selector: Selector,
    /// The Kubernetes versions it works on; any if absent.
    #[serde(default)]
    pub kubernetes: Option<Spanned<KubeRange>>,
    /// The products, with versions, that must be there first. These edges are the graph.
    #[serde(default)]
    pub requires: BTreeMap<Spanned<ProductName>, Spanned<Range>>,
    /// API versions that its CustomResourceDefinitions serve, as `GROUP/VERSION` or
    /// `GROUP/VERSION/KIND`; what charts of other products see in `.Capabilities.APIVersions`.
    #[serde(default)]
    pub provides: Vec<Spanned<String>>,
    /// Where new versions come from; read by the version report.
    #[serde(default)]
    pub upstream: Vec<Spanned<Upstream>>,
    /// What to do when another field manager owns a field that this product sets.
    #[serde(default)]
    pub conflicts: Conflicts,
    /// How it is brought to a cluster, in order.
    #[serde(default)]
    pub deploy: Vec<Spanned<DeployStep>>,
    /// How it is proved to work there.
    #[serde(default)]
    pub tests: Vec<Spanned<Test>>,
    /// Default values; Fleet, environment, pool and cluster may set others.
    #[serde(default)]
    pub values: Option<Node>,
    /// A JSON Schema (draft-07) that effective values must satisfy.
    #[serde(default)]
    pub values_schema: Option<Node>,
    /// Objects of earlier versions to delete if they are still there.
    #[serde(default)]
    pub removed: Vec<Spanned<Tombstone>>,
}

/// What to do on a conflict of field ownership.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Conflicts {
    /// The attempt fails and names manager and field (the default).
    #[default]
    Fail,
    /// The field is taken over.
    Take,
}

/// Where new versions of a product come from.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Upstream {
    /// A Helm chart in a repository.
    Chart(UpstreamChart),
    /// A container image.
    Image(UpstreamImage),
    /// A tool, by its releases.
    Tool(UpstreamTool),
    /// An add-on of a cloud.
    Addon(UpstreamAddon),
    /// Kubernetes itself.
    Kubernetes(UpstreamKubernetes),
}

/// A Helm chart in a repository.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamChart {
    /// The repository's address (`https://` or `oci://`).
    pub repository: Spanned<String>,
    /// The chart's name.
    pub name: Spanned<String>,
    /// The project that makes it, whose releases say what changed: `github:OWNER/NAME` or
    /// `gitlab:GROUP/NAME`. The product's only tool, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Spanned<String>>,
    /// How far to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<UpstreamPolicy>,
}

/// A container image.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamImage {
    /// The repository, without tag.
    pub repository: Spanned<String>,
    /// The project that makes it, whose releases say what changed: `github:OWNER/NAME` or
    /// `gitlab:GROUP/NAME`. The product's only tool, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Spanned<String>>,
    /// The version in use, if no manifest and no values of the product name the image: it runs elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Spanned<String>>,
    /// How far to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<UpstreamPolicy>,
}

/// A tool, by its releases.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTool {
    /// `github:OWNER/NAME` or `gitlab:GROUP/NAME`.
    pub repository: Spanned<String>,
    /// The version in use, if no file of the product names it as an image or a chart does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Spanned<String>>,
    /// How far to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<UpstreamPolicy>,
}

/// An add-on of a cloud, which its provider brings to clusters.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamAddon {
    /// The provider and its name for the add-on: `eks/vpc-cni`, `aks/istio`.
    pub name: Spanned<String>,
    /// The version in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Spanned<String>>,
    /// How far to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<UpstreamPolicy>,
}

/// Kubernetes itself.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamKubernetes {
    /// `stable`, or a provider's channel.
    pub channel: Spanned<String>,
    /// How far to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<UpstreamPolicy>,
}

/// One action of a deployment.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeployStep {
    /// Server-side apply of manifest files.
    Manifests(ManifestsStep),
    /// A Helm chart in the product's folder, rendered and applied like manifests.
    Helm(HelmStep),
    /// A script in the product's folder.
    Run(RunStep),
    /// An upgrade of the control plane; parsed, refused at plan time for now.
    ControlPlane(LaterStep),
    /// An upgrade of node pools; parsed, refused at plan time for now.
    NodePools(LaterStep),
    /// A provider's add-on; parsed, refused at plan time for now.
    Addon(LaterStep),
}

/// A step whose behaviour comes with a later version of the tool.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LaterStep {
    /// The step's name within the product.
    #[serde(default)]
    pub name: Option<Spanned<StepName>>,
    /// Its parameters.
    #[serde(default)]
    pub with: Option<Node>,
}

/// Server-side apply of manifest files (`*.yaml`, `*.yml`, `*.json`, and `*.yaml.j2` templates).
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestsStep {
    /// The step's name within the product; `manifests` (with a number from the second on) if absent.
    #[serde(default)]
    pub name: Option<Spanned<StepName>>,
    /// A file or a folder (read recursively, in byte order of paths) in the product's folder.
    pub path: Spanned<String>,
    /// The namespace of namespaced objects that name none.
    #[serde(default)]
    pub namespace: Option<Spanned<String>>,
    /// How long apply and readiness may take; 10 minutes if absent.
    #[serde(default)]
    pub timeout: Option<Spanned<Duration>>,
    /// Where the limit comes from instead; `timeout` then counts while too few tries are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Spanned<DeadlineFrom>>,
    /// Whether a rollback can't undo it.
    #[serde(default)]
    pub one_way: bool,
}

/// A Helm chart in the product's folder.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HelmStep {
    /// The step's name within the product; `helm` (with a number from the second on) if absent.
    #[serde(default)]
    pub name: Option<Spanned<StepName>>,
    /// The chart's folder in the product's folder.
    pub chart: Spanned<String>,
    /// The release name that templates see; the product's name if absent.
    #[serde(default)]
    pub release: Option<Spanned<String>>,
    /// The namespace that templates see, and of objects that name none.
    pub namespace: Spanned<String>,
    /// Which of the product's values the chart gets, as a dotted path; all of them if absent.
    #[serde(default)]
    pub values_from: Option<Spanned<String>>,
    /// How long rendering, apply and readiness may take; 10 minutes if absent.
    #[serde(default)]
    pub timeout: Option<Spanned<Duration>>,
    /// Where the limit comes from instead; `timeout` then counts while too few tries are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Spanned<DeadlineFrom>>,
    /// Whether a rollback can't undo it.
    #[serde(default)]
    pub one_way: bool,
}

impl HelmStep {
    /// The chart's folder as trees have it.
    pub fn folder(&self) -> &str {
        self.chart.value.trim_start_matches("./").trim_end_matches('/')
    }
}

/// A script in the product's folder, run on the machine of the driver with `KUBECONFIG` set.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RunStep {
    /// The step's name within the product; `run` (with a number from the second on) if absent.
    #[serde(default)]
    pub name: Option<Spanned<StepName>>,
    /// Program and arguments. A program with a slash is a file in the product's folder.
    pub command: Vec<Spanned<String>>,
    /// Answers after a crash whether the command took effect: exit 0 yes, 1 no, else unknown.
    #[serde(default)]
    pub observe: Option<Vec<Spanned<String>>>,
    /// Whether the command may simply be run again when it is not known how it ended.
    #[serde(default)]
    pub idempotent: bool,
    /// How often a try that ended as transient (exit 75, EX_TEMPFAIL of sysexits) is repeated.
    #[serde(default)]
    pub retries: Option<u32>,
    /// How long one try may take; 10 minutes if absent.
    #[serde(default)]
    pub timeout: Option<Spanned<Duration>>,
    /// Where the limit comes from instead; `timeout` then counts while too few tries are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Spanned<DeadlineFrom>>,
    /// Whether a rollback can't undo it.
    #[serde(default)]
    pub one_way: bool,
    /// Environment variables for the command; values may be `{secretRef: ...}`.
    #[serde(default)]
    pub env: Option<Node>,
}

/// Where the limit of a step or test comes from, when it is not simply written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeadlineFrom {
    /// From how long the step took before: twice the 99th percentile of the tries that the journal
    /// knows, at least 5 minutes, at most a day. It is a number from the plan on.
    Auto,
}

/// One test of a product.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Test {
    /// A script in the product's folder: exit 0 is a pass.
    Run(RunTest),
    /// A Kubernetes Job: complete is a pass.
    Job(JobTest),
}

/// A test script.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RunTest {
    /// The test's name within the product.
    pub name: Spanned<StepName>,
    /// Program and arguments. A program with a slash is a file in the product's folder.
    pub command: Vec<Spanned<String>>,
    /// How often a failed try is repeated; a pass after a failure is reported as flaky. 0 if absent.
    #[serde(default)]
    pub retries: u32,
    /// How long one try may take; 10 minutes if absent.
    #[serde(default)]
    pub timeout: Option<Spanned<Duration>>,
    /// Where the limit comes from instead; `timeout` then counts while too few tries are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Spanned<DeadlineFrom>>,
    /// Environment variables for the command; values may be `{secretRef: ...}`.
    #[serde(default)]
    pub env: Option<Node>,
}

/// A test as a Kubernetes Job.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JobTest {
    /// The test's name within the product.
    pub name: Spanned<StepName>,
    /// The file with exactly one Job (`*.yaml` or `*.yaml.j2`) in the product's folder.
    pub manifest: Spanned<String>,
    /// The Job's namespace if its manifest names none.
    #[serde(default)]
    pub namespace: Option<Spanned<String>>,
    /// How often a failed try is repeated; a pass after a failure is reported as flaky. 0 if absent.
    #[serde(default)]
    pub retries: u32,
    /// How long one try may take; 10 minutes if absent.
    #[serde(default)]
    pub timeout: Option<Spanned<Duration>>,
    /// Where the limit comes from instead; `timeout` then counts while too few tries are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Spanned<DeadlineFrom>>,
}

/// An object of earlier versions that must not be there any more.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tombstone {
    /// `GROUP/VERSION`, or `VERSION` for the core group.
    pub api_version: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The namespace, for namespaced kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// When it is deleted, if it is there; `after` if absent.
    #[serde(default, skip_serializing_if = "TombstoneWhen::is_after")]
    pub when: TombstoneWhen,
}

/// When an object of earlier versions is deleted.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TombstoneWhen {
    /// Before the first deploy step: it would be in the way of what is applied.
    Before,
    /// After the last deploy step, with everything else that the product no longer has (the default).
    #[default]
    After,
}

impl TombstoneWhen {
    fn is_after(&self) -> bool {
        *self == Self::After
    }
}

impl std::fmt::Display for TombstoneWhen {
    /// `before` or `after`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

impl std::fmt::Display for Tombstone {
    /// `ConfigMap ingress/old-settings`, `Certificate.cert-manager.io shop/tls`: as objects are written
    /// everywhere.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        if group.contains('.') && !group.ends_with(".k8s.io") {
            write!(f, ".{group}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " {namespace}/{}", self.name),
            None => write!(f, " {}", self.name),
        }
    }
}

/// The limit of a step or test that names none.
pub const DEFAULT_TIMEOUT: Duration = Duration::minutes(10);

impl DeployStep {
    /// The word for this kind of step, which is also its default name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Manifests(_) => "manifests",
            Self::Helm(_) => "helm",
            Self::Run(_) => "run",
            Self::ControlPlane(_) => "control-plane",
            Self::NodePools(_) => "node-pools",
            Self::Addon(_) => "addon",
        }
    }

    /// The name that the file gives it, if any.
    pub fn given_name(&self) -> Option<&Spanned<StepName>> {
        match self {
            Self::Manifests(s) => s.name.as_ref(),
            Self::Helm(s) => s.name.as_ref(),
            Self::Run(s) => s.name.as_ref(),
            Self::ControlPlane(s) | Self::NodePools(s) | Self::Addon(s) => s.name.as_ref(),
        }
    }

    /// How long it may take, as the file says.
    pub fn timeout(&self) -> Duration {
        let given = match self {
            Self::Manifests(s) => s.timeout.as_ref(),
            Self::Helm(s) => s.timeout.as_ref(),
            Self::Run(s) => s.timeout.as_ref(),
            Self::ControlPlane(_) | Self::NodePools(_) | Self::Addon(_) => None,
        };
        given.map_or(DEFAULT_TIMEOUT, |d| d.value)
    }

    /// Where its limit comes from, if it is not simply written down.
    pub fn deadline(&self) -> Option<DeadlineFrom> {
        match self {
            Self::Manifests(s) => s.deadline.as_ref(),
            Self::Helm(s) => s.deadline.as_ref(),
            Self::Run(s) => s.deadline.as_ref(),
            Self::ControlPlane(_) | Self::NodePools(_) | Self::Addon(_) => None,
        }
        .map(|from| from.value)
    }

    /// Whether a rollback can't undo it.
    pub fn one_way(&self) -> bool {
        match self {
            Self::Manifests(s) => s.one_way,
            Self::Helm(s) => s.one_way,
            Self::Run(s) => s.one_way,
            Self::ControlPlane(_) | Self::NodePools(_) => true,
            Self::Addon(_) => false,
        }
    }
}

impl Product {
    /// The deploy steps with their names: as given, else the kind, from the second nameless one
    /// of a kind on with a number (`manifests`, `manifests-2`).
    pub fn named_steps(&self) -> Vec<(String, &Spanned<DeployStep>)> {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        self.deploy
            .iter()
            .map(|step| {
                let name = match step.value.given_name() {
                    Some(name) => name.value.to_string(),
                    None => {
                        let n = seen.entry(step.value.kind()).or_default();
                        *n += 1;
                        if *n == 1 {
                            step.value.kind().to_owned()
                        } else {
                            format!("{}-{n}", step.value.kind())
                        }
                    }
                };
                (name, step)
            })
            .collect()
    }
}

impl Test {
    /// The test's name.
    pub fn name(&self) -> &Spanned<StepName> {
        match self {
            Self::Run(t) => &t.name,
            Self::Job(t) => &t.name,
        }
    }

    /// How long one try may take.
    pub fn timeout(&self) -> Duration {
        match self {
            Self::Run(t) => t.timeout.as_ref(),
            Self::Job(t) => t.timeout.as_ref(),
        }
        .map_or(DEFAULT_TIMEOUT, |d| d.value)
    }

    /// Where its limit comes from, if it is not simply written down.
    pub fn deadline(&self) -> Option<DeadlineFrom> {
        match self {
            Self::Run(t) => t.deadline.as_ref(),
            Self::Job(t) => t.deadline.as_ref(),
        }
        .map(|from| from.value)
    }

    /// How often a failed try is repeated.
    pub fn retries(&self) -> u32 {
        match self {
            Self::Run(t) => t.retries,
            Self::Job(t) => t.retries,
        }
    }
}
