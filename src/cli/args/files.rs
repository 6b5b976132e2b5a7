//! Commands on the files of the repository: schemas, products, releases, and codes.

use clap::{ArgGroup, Args, Subcommand};

use crate::lcm::bump::Field;
use crate::model::image::Repository;
use crate::model::{ClusterName, Kind, Lane, Mirror, ProductName, ReleaseId};
use crate::version::Version;

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate init ~/platform")]
pub struct Init {
    /// The folder, which is made if it is not there; the current one, or that of --repo, if absent.
    #[arg(value_name = "DIR")]
    pub folder: Option<std::path::PathBuf>,
}

/// `schema`.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Print the JSON Schema (draft-07) of a kind of file.
    Get(SchemaGet),
}

/// `schema get`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate schema get Product > product.schema.json")]
pub struct SchemaGet {
    /// Product, Release, Fleet, Pipeline, Pin, Acceptance, Deferral, Calendar, Sources or
    /// Support, in any letter case.
    #[arg(value_name = "KIND", value_parser = kind)]
    pub kind: Kind,
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let names = Kind::ALL.map(Kind::as_str).join(", ");
        format!("expected one of {names}")
    })
}

/// `product`.
#[derive(Debug, Subcommand)]
pub enum ProductCommand {
    /// List the products with their versions and tags.
    #[command(after_help = "Example: tidegate product list")]
    List,
    /// Show one product: version, dependencies, steps, tests, tagged versions.
    Show(ProductShow),
    /// Tag the committed content of products as their versions.
    Tag(ProductTag),
    /// Raise the version of a source in a product's folder, and the product's own.
    Bump(Box<ProductBump>),
}

/// `product bump`.
#[derive(Debug, Args)]
#[command(
    after_help = "\
Only fields that name the source change: references, tags and digests, the
version of a chart. Comments and texts that mention the version are listed.
A patch raises the product's patch, a minor its minor, a major its major.

Examples:
  tidegate product bump backup --to v1.17.1 --dry-run
  tidegate product bump backup --to v1.17.1 --pr",
    group = ArgGroup::new("source").args(["image", "chart", "tool", "addon"])
)]
pub struct ProductBump {
    /// The product.
    #[arg(value_name = "PRODUCT")]
    pub product: ProductName,
    /// The version to go to.
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true)]
    pub to: String,
    /// The image that moves, by its upstream repository.
    #[arg(long, value_name = "REPOSITORY")]
    pub image: Option<Repository>,
    /// The chart that moves.
    #[arg(long, value_name = "NAME")]
    pub chart: Option<String>,
    /// The tool that moves, such as github:helm/helm.
    #[arg(long, value_name = "PROJECT")]
    pub tool: Option<String>,
    /// The add-on of a cloud that moves, such as eks/vpc-cni.
    #[arg(long, value_name = "NAME")]
    pub addon: Option<String>,
    /// The version to go from, where several are in use.
    #[arg(long, value_name = "VERSION")]
    pub from: Option<String>,
    /// The digest of the new version.
    #[arg(long, value_name = "DIGEST", conflicts_with = "drop_digest")]
    pub digest: Option<String>,
    /// Take digests beside the version out.
    #[arg(long)]
    pub drop_digest: bool,
    /// The product's new version, instead of what the step says.
    #[arg(long, value_name = "VERSION")]
    pub product_version: Option<Version>,
    /// Go to a lower version.
    #[arg(long)]
    pub lower: bool,
    /// A registry that keeps copies: MIRROR=UPSTREAM; may be given more than once.
    #[arg(long, value_name = "MIRROR=UPSTREAM")]
    pub mirror: Vec<Mirror>,
    /// A field that names it, such as Shop:spec.parts[].image; may be given more than
    /// once.
    #[arg(long, value_name = "KIND:WAY")]
    pub field: Vec<Field>,
    /// What the chart that moves installs, for its appVersion.
    #[arg(long, value_name = "VERSION", requires = "chart")]
    pub app_version: Option<String>,
    /// Change a chart's number, and leave its content in the folder as it is.
    #[arg(long, requires = "chart")]
    pub keep_content: bool,
    /// A line for the changelog, such as a link; may be given more than once.
    #[arg(long, value_name = "TEXT")]
    pub note: Vec<String>,
    /// Open a pull request (at GitLab a merge request) with it, and write nothing here.
    #[arg(long)]
    pub pr: bool,
    /// The remote that the pull request is for.
    #[arg(long, value_name = "NAME", requires = "pr", default_value = "origin")]
    pub remote: String,
    /// Show what would change, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `product show`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate product show ingress")]
pub struct ProductShow {
    /// The product.
    #[arg(value_name = "PRODUCT")]
    pub product: ProductName,
}

/// `product tag`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: tidegate product tag ingress cert-manager",
    group = ArgGroup::new("which").args(["products", "all"]).required(true).multiple(true)
)]
pub struct ProductTag {
    /// The products; every product whose version has no tag yet with --all.
    #[arg(value_name = "PRODUCT")]
    pub products: Vec<ProductName>,
    /// Tag every product whose version has no tag yet.
    #[arg(long, conflicts_with = "products")]
    pub all: bool,
}

/// `release`.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Fix a release: write the lock with the digests of its products.
    Cut(ReleaseCut),
    /// Write a release that has all that another has, some of it in higher versions.
    Hotfix(ReleaseHotfix),
    /// Show a release and its lock.
    Show(ReleaseShow),
    /// Compare two releases.
    Diff(ReleaseDiff),
    /// List the releases.
    #[command(after_help = "Example: tidegate release list")]
    List,
}

/// `release cut`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --resolve-images each registry is asked once what each tag names. The lock
has the digests then, and clusters get just those images. One that can't be
resolved stops it, and nothing is written.

Example: tidegate release cut R42 && git commit -am 'release: R42'")]
pub struct ReleaseCut {
    /// The release; its file is releases/ID.yaml.
    #[arg(value_name = "RELEASE")]
    pub release: ReleaseId,
    /// Fix what the tags of images name: write their digests into the lock.
    #[arg(long)]
    pub resolve_images: bool,
}

/// `release hotfix`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: tidegate release hotfix R41 --product ingress=4.12.2\n         \
           tidegate release hotfix R42 --include R41.1 --lane normal",
    group = ArgGroup::new("what").args(["products", "includes"]).required(true).multiple(true)
)]
pub struct ReleaseHotfix {
    /// The release that it mends; it was cut.
    #[arg(value_name = "PARENT")]
    pub parent: ReleaseId,
    /// A product of the parent with its new, higher version; may be given more than once.
    #[arg(long = "product", value_name = "NAME=VERSION")]
    pub products: Vec<ProductPair>,
    /// A hotfix that it contains; what that raised is raised with it. May be given more than once.
    #[arg(long = "include", value_name = "HOTFIX")]
    pub includes: Vec<ReleaseId>,
    /// Its lane: hotfix, or normal for one that goes through every wave.
    #[arg(long, value_name = "LANE", default_value = "hotfix", value_parser = lane)]
    pub lane: Lane,
    /// Its id; PARENT.1 if absent, or the next number that is free.
    #[arg(long, value_name = "ID")]
    pub id: Option<ReleaseId>,
}

fn lane(text: &str) -> Result<Lane, String> {
    [Lane::Hotfix, Lane::Normal]
        .into_iter()
        .find(|lane| lane.to_string() == text)
        .ok_or_else(|| "expected hotfix or normal".to_owned())
}

/// A product with a version, such as `ingress=4.12.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPair {
    /// The product.
    pub product: ProductName,
    /// The version.
    pub version: Version,
}

impl std::str::FromStr for ProductPair {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (product, version) =
            text.split_once('=').ok_or_else(|| "expected NAME=VERSION, such as ingress=4.12.2".to_owned())?;
        let product = product.parse().map_err(|error: crate::model::NameError| error.to_string())?;
        let version = version.parse::<Version>().map_err(|error| error.to_string())?;
        Ok(Self { product, version })
    }
}

/// `release show`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate release show R42 -o json")]
pub struct ReleaseShow {
    /// The release.
    #[arg(value_name = "RELEASE")]
    pub release: ReleaseId,
}

/// `release diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: tidegate release diff R41 R42\n         tidegate release diff R41 R42 --cluster acme-dev"
)]
pub struct ReleaseDiff {
    /// The older release.
    #[arg(value_name = "FROM")]
    pub from: ReleaseId,
    /// The newer release.
    #[arg(value_name = "TO")]
    pub to: ReleaseId,
    /// What would change for this cluster: versions with reasons, values, inputs digests.
    #[arg(long, short = 'c', value_name = "CLUSTER")]
    pub cluster: Option<ClusterName>,
}

/// `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Example: tidegate explain TG0101")]
pub struct Explain {
    /// A code, or its name; all codes if absent.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}
