//! The kinds of the glossary as parsed truth: what a file can say, with the place of every value.
//! It decides the shape of products, releases, fleets, pipelines, pins and calendars, and the few
//! rules that a single value carries in itself. What only holds between files is for `catalog`.

mod acceptance;
mod amount;
pub mod calendar;
mod deferral;
mod document;
mod duration;
mod fleet;
mod identity;
pub mod image;
mod labels;
mod mirrors;
mod names;
mod observed;
mod pin;
mod pipeline;
mod product;
mod release;
mod scans;
pub mod scenario;
pub mod schema;
pub mod secrets;
mod sources;
mod support;
mod tree;
mod vulnerability;

pub use acceptance::{Acceptance, AcceptanceFile, package_name};
pub use amount::{Budget, Cap};
pub use calendar::{Calendar, CalendarFile, Freeze, Window, WindowKind};
pub use deferral::{Deferral, DeferralFile};
pub use document::{API_VERSION, Document, Kind, Metadata};
pub use duration::{Duration, DurationError, time_between, whole_second};
pub use fleet::{
    ClusterEntry, CommandSource, Fleet, FleetFile, KubeconfigRef, KubeconfigSource, Overrides, Source,
};
pub use identity::{Actor, ClusterUid};
pub use labels::{Allowed, Labels, Selector};
pub use mirrors::{Mirror, Mirrors};
pub use names::{
    AcceptanceId, CalendarName, ClusterName, DeferralId, EnvironmentName, FleetName, GateId, NameError,
    PinId, PipelineName, PoolName, ProductName, ReleaseId, RolloutId, ScenarioName, SourcesName, StepName,
    SupportName, UpstreamName, WaveName, WindowName,
};
pub use observed::{Observed, ObservedProduct, RecordPhase};
pub use pin::{Expiry, ExpiryError, Nearness, OnExpiry, Pin, PinFile};
pub use pipeline::{
    ApprovalGate, AuthorMay, CatchUp, CommandGate, Gate, Gates, Joiners, MetricComparison, MetricGate, Order,
    OrderKind, Pipeline, PipelineFile, PoolBySelector, Pools, Push, Remainder, RollbackRules, Soak,
    SoakClock, Tags, TestPolicy, Unassigned, Wave, Worse,
};
pub use product::{
    Conflicts, DEFAULT_TIMEOUT, DeadlineFrom, DeployStep, HelmStep, JobTest, LaterStep, ManifestsStep,
    Product, ProductFile, RunStep, RunTest, Test, Tombstone, TombstoneWhen, Upstream, UpstreamAddon,
    UpstreamChart, UpstreamImage, UpstreamKubernetes, UpstreamTool,
};
pub use release::{IMAGES, Lane, Lock, LockedProduct, Release, ReleaseFile};
pub use scans::{ScanAddress, ScanAttestations, ScanFiles, ScanHarbor, ScanServer, ScanSource};
pub use secrets::SecretRef;
pub use sources::{
    Farthest, ForgeKind, PinnedNumbers, Precision, Replaced, SourceHost, SourceImages, SourceMirror,
    SourcePolicy, Sources, SourcesFile, UpstreamPolicy, Variant, WhichPrereleases,
};
pub use support::{Day, Support, SupportCycle, SupportEnd, SupportFile, SupportedProduct};
pub use tree::{File, Tree};
pub use vulnerability::{VulnerabilityId, VulnerabilityIdError};
