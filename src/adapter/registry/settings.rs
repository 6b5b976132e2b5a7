//! What a person may set about registries: which repository of a mirror stands for which one upstream, where
//! a registry is asked, and how much of it is read.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::adapter::web::{Place, Web};
use crate::model::image::Repository;
use crate::port::upstream::{Silence, Unanswered};

/// How registries are asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Prefixes of mirrored repositories, with what they mirror: `registry.example.com/mirror/quay.io` is
    /// `quay.io`. The longest prefix counts.
    pub mirrors: BTreeMap<String, String>,
    /// Hosts with the address that is asked instead: `docker.io` at `https://hub-cache.example.com`. Also the
    /// hosts of interfaces beside the distribution API (`hub.docker.com`, `api.ecr.eu-west-1.amazonaws.com`).
    pub endpoints: BTreeMap<String, String>,
    /// The most tags of one repository.
    pub most_tags: usize,
    /// The most pages of one listing.
    pub most_pages: usize,
    /// The most bytes of one page.
    pub most_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mirrors: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            most_tags: 5_000_000,
            most_pages: 20_000,
            most_bytes: 256 * 1024 * 1024,
        }
    }
}

impl Settings {
    /// The repository that is asked for news of this one: what it mirrors, or itself.
    pub fn upstream(&self, repository: &Repository) -> Repository {
        let whole = repository.to_string();
        let rest = |prefix: &str| {
            let rest = whole.strip_prefix(prefix.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/').to_owned())
        };
        let fitting = self.mirrors.iter().filter_map(|(prefix, to)| Some((prefix.len(), to, rest(prefix)?)));
        let Some((_, to, rest)) = fitting.max_by_key(|(length, _, _)| *length) else {
            return repository.clone();
        };
        // Read as a person's words are, so that `docker.io/redis` is `docker.io/library/redis`.
        let text = format!("{}/{rest}", to.trim_end_matches('/'));
        text.trim_end_matches('/').parse().unwrap_or_else(|_| repository.clone())
    }

    /// The address below which a host is asked; it ends with a slash.
    pub(super) fn base(&self, host: &str, web: &Web) -> Result<Url, Unanswered> {
        let usual = match host {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        let text = match self.endpoints.get(host) {
            Some(set) => set.clone(),
            None => format!("https://{usual}"),
        };
        let wrong = || Unanswered::new(Silence::Invalid, format!("`{text}` is no address of a registry"));
        let parse = |text: &str| Url::parse(&format!("{}/", text.trim_end_matches('/'))).map_err(|_| wrong());
        let url = parse(&text)?;
        let here = Place::named(&url) == Some(Place::Loopback);
        if !self.endpoints.contains_key(host) && (here || web.is_plain(&url)) {
            return parse(&format!("http://{usual}"));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(text: &str) -> String {
        let settings = Settings {
            mirrors: BTreeMap::from([
                ("registry.example.com/mirror/quay.io".to_owned(), "quay.io".to_owned()),
                ("registry.example.com/mirror".to_owned(), "docker.io".to_owned()),
                ("registry.example.com/hub/".to_owned(), "docker.io/".to_owned()),
                ("registry.example.com/one".to_owned(), "ghcr.io/them/two".to_owned()),
            ]),
            ..Settings::default()
        };
        settings.upstream(&text.parse().expect("a repository")).to_string()
    }

    #[test]
    fn a_mirror_stands_for_what_it_mirrors_by_its_longest_prefix() {
        assert_eq!(upstream("registry.example.com/mirror/quay.io/jetstack/x"), "quay.io/jetstack/x");
        assert_eq!(upstream("registry.example.com/mirror/velero/velero"), "docker.io/velero/velero");
        assert_eq!(upstream("registry.example.com/hub/redis"), "docker.io/library/redis");
        assert_eq!(upstream("registry.example.com/one"), "ghcr.io/them/two");
    }

    #[test]
    fn a_prefix_ends_where_a_part_of_a_name_ends() {
        assert_eq!(upstream("registry.example.com/mirrored/x"), "registry.example.com/mirrored/x");
        assert_eq!(upstream("quay.io/jetstack/x"), "quay.io/jetstack/x");
    }

    #[test]
    fn plain_http_is_for_this_machine_and_named_hosts() {
        let plain = std::collections::BTreeSet::from(["registry.example.com:5000".to_owned()]);
        let web = Web::new(crate::adapter::web::Settings { plain, ..Default::default() });
        let base = |host: &str| Settings::default().base(host, &web).expect("an address").to_string();
        assert_eq!(base("localhost:5000"), "http://localhost:5000/");
        assert_eq!(base("registry.example.com:5000"), "http://registry.example.com:5000/");
        assert_eq!(base("registry.example.com"), "https://registry.example.com/");
        assert_eq!(base("docker.io"), "https://registry-1.docker.io/");
        assert_eq!(base("127.0.0.1:443"), "http://127.0.0.1:443/");
    }
}
