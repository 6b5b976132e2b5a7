//! What the products declare: images, charts, tools and Kubernetes, each with the version that a file names
//! and the place where it does.

use std::collections::BTreeSet;
use std::fmt;

use crate::catalog::images;
use crate::catalog::{Catalog, ProductSource};
use crate::diag::Place;
use crate::model::image::{Image, Repository};
use crate::model::{DeployStep, Mirrors, Upstream, UpstreamPolicy};
use crate::yaml::{self, Spanned};

use super::support::kubernetes::Provider;
use super::upstream::Project;

/// The product that stands for Kubernetes itself; it has no folder, and nothing else is called so.
pub const KUBERNETES: &str = "kubernetes";

/// Something that has newer versions somewhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Kubernetes, by a channel.
    Kubernetes(String),
    /// An add-on of a cloud.
    Addon {
        /// Whose.
        provider: Provider,
        /// Its name, as the provider has it.
        name: String,
    },
    /// A chart of a repository.
    Chart {
        /// The repository's address.
        repository: String,
        /// The chart's name.
        name: String,
    },
    /// An image.
    Image(Repository),
    /// A tool, by its releases.
    Tool(Project),
}

impl Item {
    /// Who is asked about it: a registry, a repository of charts, a forge.
    pub fn source(&self) -> String {
        match self {
            Self::Kubernetes(channel) => format!("kubernetes {channel}"),
            Self::Addon { provider, .. } => format!("add-ons of {provider}"),
            Self::Chart { repository, .. } => repository.clone(),
            Self::Image(repository) => repository.registry.clone(),
            Self::Tool(Project::GitHub(_)) => "github.com".to_owned(),
            Self::Tool(Project::GitLab(_)) => "gitlab.com".to_owned(),
        }
    }

    /// The repository of an image.
    pub fn into_image(self) -> Option<Repository> {
        if let Self::Image(repository) = self { Some(repository) } else { None }
    }

    /// The last part of its name, by which people call it.
    pub fn short(&self) -> &str {
        match self {
            Self::Chart { name, .. } | Self::Addon { name, .. } => name,
            Self::Kubernetes(channel) => channel,
            Self::Image(repository) => repository.short(),
            Self::Tool(Project::GitHub(path) | Project::GitLab(path)) => {
                path.rsplit('/').next().unwrap_or(path)
            }
        }
    }

    /// What kind of thing it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kubernetes(_) => "kubernetes",
            Self::Addon { .. } => "addon",
            Self::Chart { .. } => "chart",
            Self::Image(_) => "image",
            Self::Tool(_) => "tool",
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubernetes(channel) => write!(f, "kubernetes {channel}"),
            Self::Addon { provider, name } => write!(f, "{}/{name}", provider.channel()),
            Self::Chart { repository, name } => write!(f, "{name} of {repository}"),
            Self::Image(repository) => repository.fmt(f),
            Self::Tool(project) => project.fmt(f),
        }
    }
}

/// A version that a file of a product names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The product.
    pub product: String,
    /// Who owns it.
    pub owner: String,
    /// What has the version.
    pub item: Item,
    /// As the file names it; nothing where only a digest is said, or the file says nothing.
    pub version: Option<String>,
    /// The digest beside it, or instead.
    pub digest: Option<String>,
    /// Where.
    pub place: Place,
}

/// Everything that the products of a catalog declare, in order of products, kinds and places.
pub fn of(catalog: &Catalog) -> Vec<Declared> {
    let mirrors = mirrors(catalog);
    let mut all: Vec<Declared> =
        catalog.products.values().flat_map(|product| of_product(product, &mirrors)).collect();
    all.sort_by(|one, other| (&one.product, &one.item).cmp(&(&other.product, &other.item)));
    all
}

/// The registries that keep copies.
pub fn mirrors(catalog: &Catalog) -> Mirrors {
    catalog.sources.as_ref().map(|sources| Mirrors::of(&sources.spec)).unwrap_or_default()
}

/// What one product declares.
pub fn of_product(product: &ProductSource, mirrors: &Mirrors) -> Vec<Declared> {
    let spec = &product.file.spec;
    let declared = |item: Item, version: Option<String>, digest: Option<String>, place: &Place| Declared {
        product: product.file.metadata.name.value.to_string(),
        owner: spec.owner.value.to_string(),
        item,
        version,
        digest,
        place: place.clone(),
    };
    let mut found = Vec::new();
    for named in product.with_part(|part| images::of(&part)) {
        // What is no image is a finding of `check`, or a test's own.
        if let Ok(Image { repository, tag, digest }) = named.reference.parse() {
            found.push(declared(Item::Image(repository), tag, digest, &named.place));
        }
    }
    let in_files = found.len();
    let charts = charts(product);
    let is_or_copies = |one: &Item, item: &Item| one == item || one.origin(mirrors).as_ref() == Some(item);
    for upstream in &spec.upstream {
        let (Some(item), _) = of_upstream(&upstream.value) else { continue };
        let named = |text: &Spanned<String>| (text.value.clone(), text.place.clone());
        let version = match &upstream.value {
            // Its versions are those that manifests and values name, wherever they are pulled from.
            Upstream::Image(_) if found.iter().take(in_files).any(|one| is_or_copies(&one.item, &item)) => {
                continue;
            }
            Upstream::Image(image) => image.version.as_ref().map(named),
            Upstream::Kubernetes(_) => None,
            // Its versions are those of charts in the folder, and of what these are made of: see below.
            Upstream::Chart(_) if charts.iter().any(|own| own.is(&item)) => continue,
            Upstream::Chart(_) => None,
            Upstream::Tool(tool) => tool.version.as_ref().map(named),
            Upstream::Addon(addon) => addon.version.as_ref().map(named),
        };
        let (version, place) = match version {
            Some((version, place)) => (Some(version), place),
            None => (None, upstream.place.clone()),
        };
        found.push(declared(item, version, None, &place));
    }
    let named = |chart: &OwnChart| {
        let upstream = spec.upstream.iter().find_map(|upstream| match of_upstream(&upstream.value) {
            (Some(item @ Item::Chart { .. }), _) if chart.is_copy_of(&item) => Some(item),
            _ => None,
        });
        upstream.map(|item| (item, chart.version.clone(), chart.place.clone()))
    };
    let mut of_charts: Vec<(Item, String, Place)> = charts.iter().filter_map(named).collect();
    for chart in charts {
        of_charts.extend(chart.dependencies);
    }
    let mut known: BTreeSet<(Item, String)> = BTreeSet::new();
    for (item, version, place) in of_charts {
        if known.insert((item.clone(), version.clone())) {
            found.push(declared(item, Some(version), None, &place));
        }
    }
    found
}

/// What an upstream source is about, and how far to go with it; no item if its text names none.
pub fn of_upstream(upstream: &Upstream) -> (Option<Item>, Option<&UpstreamPolicy>) {
    match upstream {
        Upstream::Image(image) => {
            (image.repository.value.parse().ok().map(Item::Image), image.policy.as_ref())
        }
        Upstream::Chart(chart) => {
            (Some(chart_of(&chart.repository.value, &chart.name.value)), chart.policy.as_ref())
        }
        Upstream::Tool(tool) => (tool.repository.value.parse().ok().map(Item::Tool), tool.policy.as_ref()),
        Upstream::Addon(addon) => (addon_of(&addon.name.value), addon.policy.as_ref()),
        Upstream::Kubernetes(kubernetes) => {
            (Some(Item::Kubernetes(kubernetes.channel.value.clone())), kubernetes.policy.as_ref())
        }
    }
}

/// A chart that lies in a product's folder.
struct OwnChart {
    name: String,
    version: String,
    place: Place,
    /// Charts of repositories that it is made of, each with its version and where that is said.
    dependencies: Vec<(Item, String, Place)>,
}

impl OwnChart {
    /// Whether it says a version of this chart: its own, if it is a copy of it, or one that it is made of.
    fn is(&self, item: &Item) -> bool {
        self.is_copy_of(item) || self.dependencies.iter().any(|(one, _, _)| one == item)
    }

    fn is_copy_of(&self, item: &Item) -> bool {
        matches!(item, Item::Chart { name, .. } if *name == self.name)
    }
}

/// The add-on that a text such as `eks/vpc-cni` names; of a provider that tells of its add-ons.
pub fn addon_of(text: &str) -> Option<Item> {
    let (provider, name) = text.split_once('/')?;
    let provider = Provider::ALL.into_iter().find(|one| one.channel() == provider)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = !name.is_empty() && name.len() <= 100 && name.chars().all(fits);
    (is_name && provider.addons().is_some()).then(|| Item::Addon { provider, name: name.to_owned() })
}

/// A chart of a repository; how many slashes end its address makes no difference.
fn chart_of(repository: &str, name: &str) -> Item {
    Item::Chart { repository: repository.trim_end_matches('/').to_owned(), name: name.to_owned() }
}

fn charts(product: &ProductSource) -> Vec<OwnChart> {
    let steps = product.file.spec.deploy.iter().filter_map(|step| match &step.value {
        DeployStep::Helm(step) => Some(step.folder()),
        _ => None,
    });
    steps.filter_map(|folder| chart(product, folder)).collect()
}

fn chart(product: &ProductSource, folder: &str) -> Option<OwnChart> {
    let source = product.with_part(|part| part.source(&format!("{folder}/Chart.yaml")))?;
    let root = yaml::parse(&source).ok().flatten()?;
    let text = |node: &yaml::Node, key: &str| {
        let value = node.get(key)?;
        Some((value.as_written()?, value.place.clone()))
    };
    let (name, _) = text(&root, "name")?;
    let (version, place) = text(&root, "version")?;
    let listed = root.get("dependencies").and_then(yaml::Node::as_sequence).unwrap_or_default();
    let dependency = |node: &yaml::Node| {
        let (repository, _) = text(node, "repository")?;
        let remote = ["https://", "http://", "oci://"].iter().any(|scheme| repository.starts_with(scheme));
        let (version, place) = text(node, "version")?;
        remote.then_some((chart_of(&repository, &text(node, "name")?.0), version, place))
    };
    Some(OwnChart { name, version, place, dependencies: listed.iter().filter_map(dependency).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;

    const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: certs }\nspec:\n  version: 1.0.0\n  owner: security\n  upstream:\n    - image: { repository: quay.io/jetstack/cert-manager-controller }\n    - image: { repository: quay.io/jetstack/trust }\n    - chart: { repository: https://charts.example.com, name: certs }\n    - tool: { repository: github:cert-manager/cmctl, version: v2.3.0 }\n    - kubernetes: { channel: stable }\n  deploy:\n    - manifests: { path: manifests }\n    - helm: { chart: chart, namespace: x }\n";
    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec:\n  containers:\n    - { name: a, image: quay.io/jetstack/cert-manager-controller:v1.17.2 }\n    - { name: b, image: redis }\n";
    const CHART: &str = "apiVersion: v2\nname: certs\nversion: 1.10\ndependencies:\n  - { name: redis, version: 20.1.0, repository: oci://registry.example.com/charts }\n  - { name: own, version: 0.1.0, repository: \"file://../own\" }\n";

    #[test]
    fn images_charts_tools_and_kubernetes_are_declared_with_their_places() {
        let catalog = catalog(&[
            ("products/certs/product.yaml", PRODUCT),
            ("products/certs/manifests/a.yaml", POD),
            ("products/certs/chart/Chart.yaml", CHART),
            ("products/certs/chart/values.yaml", "{}\n"),
        ]);
        let line = |one: &Declared| {
            let version = one.version.as_deref().unwrap_or("-");
            format!("{} {} {version} {}", one.item.kind(), one.item, one.place)
        };
        let found: Vec<String> = of(&catalog).iter().map(line).collect();
        assert_eq!(
            found,
            [
                "kubernetes kubernetes stable - products/certs/product.yaml:12:7",
                "chart certs of https://charts.example.com 1.10 products/certs/chart/Chart.yaml:3:10",
                "chart redis of oci://registry.example.com/charts 20.1.0 products/certs/chart/Chart.yaml:5:29",
                "image docker.io/library/redis latest products/certs/manifests/a.yaml:7:25",
                "image quay.io/jetstack/cert-manager-controller v1.17.2 products/certs/manifests/a.yaml:6:25",
                "image quay.io/jetstack/trust - products/certs/product.yaml:9:7",
                "tool github:cert-manager/cmctl v2.3.0 products/certs/product.yaml:11:63",
            ]
        );
        assert!(of(&catalog).iter().all(|one| one.owner == "security" && one.product == "certs"));
    }

    /// The versions of charts that a product with these files declares.
    fn charts(upstream: &str, files: &[(&str, &str)]) -> Vec<String> {
        let product = format!(
            "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: certs }}\nspec:\n  version: 1.0.0\n  owner: security\n{upstream}  deploy:\n    - helm: {{ name: one, chart: one, namespace: x }}\n    - helm: {{ name: two, chart: two, namespace: x }}\n"
        );
        let mut all = vec![("products/certs/product.yaml", product.as_str())];
        all.extend(files);
        let line = |one: &Declared| format!("{} {}", one.item, one.version.as_deref().unwrap_or("-"));
        of(&catalog(&all)).iter().map(line).collect()
    }

    fn wrapper(version: &str, slash: &str) -> String {
        format!(
            "apiVersion: v2\nname: wrapper\nversion: 0.1.0\ndependencies:\n  - {{ name: good, version: {version}, repository: \"https://charts.example.com{slash}\" }}\n"
        )
    }

    #[test]
    fn a_chart_is_seen_in_each_of_its_versions_and_one_that_others_are_made_of_needs_no_other_place() {
        let upstream = "  upstream:\n    - chart: { repository: https://charts.example.com, name: good }\n";
        let (one, two) = (wrapper("1.2.0", ""), wrapper("1.0.0", "/"));
        let files = [
            ("products/certs/one/Chart.yaml", one.as_str()),
            ("products/certs/two/Chart.yaml", two.as_str()),
        ];
        let both = ["good of https://charts.example.com 1.2.0", "good of https://charts.example.com 1.0.0"];
        assert_eq!(charts(upstream, &files), both);
        assert_eq!(charts("", &files), both);
        let copies =
            ["1.2.0", "1.0.0"].map(|version| format!("apiVersion: v2\nname: good\nversion: {version}\n"));
        let files = [
            ("products/certs/one/Chart.yaml", copies[0].as_str()),
            ("products/certs/two/Chart.yaml", copies[1].as_str()),
        ];
        assert_eq!(charts(upstream, &files), both);
    }

    #[test]
    fn what_is_pulled_from_a_mirror_is_the_upstream_source_of_its_product() {
        let pod = POD.replace("quay.io/", "r.example.com/quay/");
        let sources = "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: { name: sample }\nspec:\n  mirrors:\n    - { at: r.example.com/quay, of: quay.io }\n";
        let catalog = catalog(&[
            ("products/certs/product.yaml", PRODUCT),
            ("products/certs/manifests/a.yaml", &pod),
            ("pipelines/sources.yaml", sources),
        ]);
        let images: Vec<String> = of(&catalog)
            .iter()
            .filter(|one| one.item.kind() == "image")
            .map(|one| format!("{} {}", one.item, one.version.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            images,
            [
                "docker.io/library/redis latest",
                "quay.io/jetstack/trust -",
                "r.example.com/quay/jetstack/cert-manager-controller v1.17.2",
            ]
        );
    }
}
