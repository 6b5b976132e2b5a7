//! What a person may set about registries: which of them keep copies of which, where a registry is asked, and
//! how much of it is read.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::adapter::web::{Place, Web};
use crate::model::Mirrors;
use crate::model::image::Repository;
use crate::port::upstream::{Silence, Unanswered};

/// How registries are asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Registries that keep copies of others: what is asked about a copy is asked where it comes from.
    pub mirrors: Mirrors,
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
            mirrors: Mirrors::default(),
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
        self.mirrors.origin(repository).unwrap_or_else(|| repository.clone())
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
