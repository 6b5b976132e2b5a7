//! Which things an identifier of a product means: a package URL of an image, or of a project on a forge
//! (github.com/package-url/purl-spec, types `docker`, `oci`, `github`, `gitlab`). Others name packages of
//! systems and languages, which nothing here is.

use packageurl::PackageUrl;

use super::kubernetes::Provider;
use super::product::Identifier;
use crate::lcm::declared::Item;
use crate::lcm::upstream::Project;
use crate::model::image::Repository;

/// The things that an identifier means.
pub(super) fn items(identifier: &Identifier) -> Vec<Item> {
    if identifier.kind != "purl" {
        return Vec::new();
    }
    let Ok(purl) = identifier.id.parse::<PackageUrl<'_>>() else { return Vec::new() };
    let below = purl.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let path = format!("{below}{}", purl.name());
    let project = |project: Project| vec![key(&Item::Tool(project))];
    match purl.ty() {
        "docker" | "oci" => {
            let whence = purl.qualifiers().get("repository_url").map(|url| url.as_ref());
            match whence {
                Some(url) => in_registry(url, purl.name(), &path),
                None if purl.ty() == "docker" => images([path]),
                None => Vec::new(),
            }
        }
        "github" => project(Project::GitHub(path)),
        "gitlab" => project(Project::GitLab(path)),
        _ => Vec::new(),
    }
}

/// An image in a named registry. By the specification the address is that of the whole repository; many leave
/// the image's name out of it. Addresses of Quay's web pages have a word more than its images.
fn in_registry(url: &str, name: &str, path: &str) -> Vec<Item> {
    let bare = url.trim_start_matches("https://").trim_end_matches('/');
    let bare = match bare.strip_prefix("quay.io/repository/") {
        Some(rest) => format!("quay.io/{rest}"),
        None => bare.to_owned(),
    };
    let ends_so = bare.rsplit('/').next() == Some(name);
    images(ends_so.then(|| bare.clone()).into_iter().chain([format!("{bare}/{path}")]))
}

fn images(texts: impl IntoIterator<Item = String>) -> Vec<Item> {
    texts.into_iter().filter_map(|text| text.parse::<Repository>().ok()).map(Item::Image).collect()
}

/// A thing as it is looked up: GitHub's names know no case, a slash at the end of an address says nothing, and
/// all channels of a provider have the same versions.
pub(super) fn key(item: &Item) -> Item {
    match item {
        Item::Tool(Project::GitHub(path)) => Item::Tool(Project::GitHub(path.to_ascii_lowercase())),
        Item::Chart { repository, name } => {
            Item::Chart { repository: repository.trim_end_matches('/').to_owned(), name: name.clone() }
        }
        Item::Kubernetes(channel) => {
            let provider = Provider::of_channel(channel).map(Provider::channel);
            Item::Kubernetes(provider.unwrap_or(channel).to_owned())
        }
        other @ (Item::Image(_) | Item::Tool(_) | Item::Addon { .. }) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: &str) -> Vec<String> {
        items(&Identifier { kind: "purl".to_owned(), id: id.to_owned() })
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn package_urls_mean_images_and_projects() {
        assert_eq!(read("pkg:docker/library/redis"), ["docker.io/library/redis"]);
        assert_eq!(read("pkg:docker/prom/prometheus"), ["docker.io/prom/prometheus"]);
        assert_eq!(read("pkg:oci/argocd?repository_url=quay.io/argoproj"), ["quay.io/argoproj/argocd"]);
        assert!(
            read("pkg:oci/debian?repository_url=docker.io/library/debian")
                .contains(&"docker.io/library/debian".to_owned())
        );
        assert!(
            read("pkg:oci/prometheus?repository_url=quay.io/repository/prometheus")
                .contains(&"quay.io/prometheus/prometheus".to_owned())
        );
        assert_eq!(read("pkg:github/ClickHouse/ClickHouse"), ["github:clickhouse/clickhouse"]);
    }

    #[test]
    fn what_means_neither_means_nothing() {
        for id in
            ["pkg:deb/debian/redis", "pkg:oci/x", "redis", "pkg:docker/A B", "", "pkg:oci/x?repository_url=:"]
        {
            assert_eq!(read(id), Vec::<String>::new(), "{id}");
        }
        let cpe = Identifier { kind: "cpe".to_owned(), id: "pkg:docker/library/redis".to_owned() };
        assert!(items(&cpe).is_empty());
    }
}
