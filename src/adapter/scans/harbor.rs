//! Harbor, version 2 of its interface: what its scanner found in an artifact that it keeps.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;

use super::{Key, below, host, refused};
use crate::adapter::web::{Ask, Pass, Web};
use crate::port::scans::{Scans, Subject};
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::{Asked, Report, harbor};

/// The most bytes of a report.
const MOST: u64 = 64 * 1024 * 1024;

/// How it is told which form of report is understood.
const FORM: HeaderName = HeaderName::from_static("x-accept-vulnerabilities");

/// A Harbor.
pub struct Harbor {
    web: Arc<Web>,
    address: String,
    name: String,
    /// The host by which images name it.
    registry: Option<String>,
    user: Option<String>,
    key: Key,
}

impl Harbor {
    /// The one at an address, which images name `registry`: by its own host, if that is absent.
    pub fn new(
        web: Arc<Web>,
        address: &str,
        registry: Option<String>,
        user: Option<String>,
        key: Key,
    ) -> Self {
        let registry = registry.or_else(|| host(address));
        Self { web, address: address.to_owned(), name: format!("harbor {address}"), registry, user, key }
    }

    fn path(&self, image: &Subject) -> Result<String, Unanswered> {
        let missing = |words: String| Unanswered::new(Silence::Missing, words);
        if self.registry.as_deref() != Some(image.repository.registry.as_str()) {
            return Err(missing(format!("it does not keep {}", image.repository)));
        }
        let Some((project, repository)) = image.repository.name.split_once('/') else {
            return Err(missing(format!("{} is in no project", image.repository)));
        };
        // The rest is one part of the path, and Harbor decodes it twice (goharbor.io, "API Explorer").
        let repository = repository.replace('/', "%252F");
        let digest = image.digest;
        Ok(format!(
            "/api/v2.0/projects/{project}/repositories/{repository}/artifacts/{digest}/additions/vulnerabilities"
        ))
    }
}

#[async_trait]
impl Scans for Harbor {
    fn name(&self) -> &str {
        &self.name
    }

    async fn report(&self, image: &Subject) -> Result<Report, Unanswered> {
        let url = below(&self.address, &self.path(image)?)?;
        let user = self.user.clone().unwrap_or_default();
        let pass = self.key.pass(|password| Pass::basic(&user, password)).await?;
        let ask = Ask::get(url).header(FORM, HeaderValue::from_static(harbor::ACCEPT));
        let ask = ask.accept("application/json").pass(pass).most(MOST);
        let answer = self.web.ask(ask).await?.good()?;
        let asked = Asked::of_service(image.digests(), Timestamp::now());
        harbor::read(&answer.body, &asked).map_err(|refusal| refused(&refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::secrets::LocalSecrets;
    use crate::adapter::web::Settings;

    #[test]
    fn an_artifact_is_named_by_project_repository_and_digest() {
        let key = Key::of(None, Arc::new(LocalSecrets::new(".", None)));
        let web = Arc::new(Web::new(Settings::default()));
        let harbor = Harbor::new(web, "https://harbor.example.com:8443/", None, None, key);
        let path = |repository: &str| {
            let subject = Subject {
                repository: repository.parse().expect("a repository"),
                tag: None,
                digest: format!("sha256:{}", "a".repeat(64)).parse().expect("a digest"),
                platforms: Default::default(),
            };
            harbor.path(&subject).map_err(|silent| silent.why)
        };
        let whole = path("harbor.example.com:8443/proxy/jetstack/controller");
        let whole = whole.expect("it keeps it");
        assert!(
            whole.starts_with(
                "/api/v2.0/projects/proxy/repositories/jetstack%252Fcontroller/artifacts/sha256:a"
            ),
            "{whole}"
        );
        for other in
            ["quay.io/jetstack/controller", "harbor.example.com/proxy/x", "harbor.example.com:8443/x"]
        {
            assert_eq!(path(other), Err(Silence::Missing), "{other}");
        }
    }
}
