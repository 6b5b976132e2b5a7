//! Where the forges are asked, and as whom.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::adapter::web::Pass;
use crate::lcm::remote::{Home, Remote};
use crate::model::ForgeKind;
use crate::port::upstream::{Project, Silence, Unanswered};

/// How forges are asked.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Hosts with the address that is asked instead: `github.com`, `api.github.com`,
    /// `raw.githubusercontent.com`, `gitlab.com`.
    pub endpoints: BTreeMap<String, String>,
    /// Who asks GitHub.
    pub github: Option<Pass>,
    /// Who asks GitLab.
    pub gitlab: Option<Pass>,
}

/// What of a forge is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// Git itself: what is public needs no token there, and one for the interfaces is not understood.
    Git,
    /// The interface for programs.
    Rest,
    /// Files as they are.
    Files,
}

impl Settings {
    /// Where git is asked for references.
    pub(super) fn git(&self, project: &Project) -> Result<Url, Unanswered> {
        let (host, path) = match project {
            Project::GitHub(path) => ("github.com", path),
            Project::GitLab(path) => ("gitlab.com", path),
        };
        self.url(host, &format!("{path}.git/git-upload-pack"))
    }

    /// Where the interface tells of a project.
    pub(super) fn api(&self, project: &Project, what: &str) -> Result<Url, Unanswered> {
        match project {
            Project::GitHub(path) => self.url("api.github.com", &format!("repos/{path}/{what}")),
            Project::GitLab(path) => {
                self.url("gitlab.com", &format!("api/v4/projects/{}/{what}", path.replace('/', "%2F")))
            }
        }
    }

    /// Where a file of a project is.
    pub(super) fn file(&self, project: &Project, at: &str, path: &str) -> Result<Url, Unanswered> {
        let (host, project) = match project {
            Project::GitHub(project) => ("raw.githubusercontent.com", format!("{project}/")),
            Project::GitLab(project) => ("gitlab.com", format!("{project}/-/raw/")),
        };
        let mut url = self.url(host, &project)?;
        let no_file = || Unanswered::new(Silence::Invalid, format!("`{path}` at `{at}` has no address"));
        let parts = at.split('/').chain(path.split('/'));
        if parts.clone().any(|part| part.is_empty() || part == "." || part == "..") {
            return Err(no_file());
        }
        url.path_segments_mut().map_err(|()| no_file())?.pop_if_empty().extend(parts);
        Ok(url)
    }

    /// What is shown there. GitLab's pages of raw files don't know tokens of its interface.
    pub(super) fn pass(&self, project: &Project, api: Api) -> Option<Pass> {
        match (project, api) {
            (_, Api::Git) | (Project::GitLab(_), Api::Files) => None,
            (Project::GitHub(_), _) => self.github.clone(),
            (Project::GitLab(_), Api::Rest) => self.gitlab.clone(),
        }
    }

    /// Whether a forge is told who asks.
    pub(super) fn is_known(&self, project: &Project) -> bool {
        self.pass(project, Api::Rest).is_some()
    }

    /// Where the interface tells of a project of one's own. GitHub's own hosts have another name for it, a host
    /// of one's own a folder (docs.github.com/rest/using-the-rest-api, "Base URL").
    pub(super) fn home(&self, home: &Home, what: &str) -> Result<Url, Unanswered> {
        let Remote { host, path, plain } = &home.remote;
        let scheme = if *plain { "http" } else { "https" };
        match home.forge {
            ForgeKind::GitHub if host == "github.com" || host.ends_with(".ghe.com") => {
                self.at(scheme, &format!("api.{host}"), &format!("repos/{path}/{what}"))
            }
            ForgeKind::GitHub => self.at(scheme, host, &format!("api/v3/repos/{path}/{what}")),
            ForgeKind::GitLab => {
                self.at(scheme, host, &format!("api/v4/projects/{}/{what}", path.replace('/', "%2F")))
            }
        }
    }

    fn url(&self, host: &str, path: &str) -> Result<Url, Unanswered> {
        self.at("https", host, path)
    }

    fn at(&self, scheme: &str, host: &str, path: &str) -> Result<Url, Unanswered> {
        let base = self.endpoints.get(host).cloned().unwrap_or_else(|| format!("{scheme}://{host}"));
        let text = format!("{}/{path}", base.trim_end_matches('/'));
        Url::parse(&text)
            .map_err(|_| Unanswered::new(Silence::Invalid, format!("`{text}` is no address of a forge")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_forge_has_its_own_places() {
        let settings = Settings::default();
        let project = |text: &str| text.parse::<Project>().unwrap();
        let (hub, lab) = (project("github:velero-io/velero"), project("gitlab:group/below/tool"));
        assert_eq!(
            settings.git(&hub).unwrap().as_str(),
            "https://github.com/velero-io/velero.git/git-upload-pack"
        );
        assert_eq!(
            settings.api(&hub, "releases").unwrap().as_str(),
            "https://api.github.com/repos/velero-io/velero/releases"
        );
        assert_eq!(
            settings.api(&lab, "releases").unwrap().as_str(),
            "https://gitlab.com/api/v4/projects/group%2Fbelow%2Ftool/releases"
        );
        assert_eq!(
            settings.file(&hub, "v1.0", "docs/CHANGE LOG.md").unwrap().as_str(),
            "https://raw.githubusercontent.com/velero-io/velero/v1.0/docs/CHANGE%20LOG.md"
        );
        assert_eq!(
            settings.file(&lab, "main", "CHANGELOG.md").unwrap().as_str(),
            "https://gitlab.com/group/below/tool/-/raw/main/CHANGELOG.md"
        );
        let home = |text: &str| {
            let home = text.parse::<Remote>().unwrap().home(None).unwrap();
            settings.home(&home, "pulls").unwrap().to_string()
        };
        assert_eq!(home("git@github.com:a/b.git"), "https://api.github.com/repos/a/b/pulls");
        assert_eq!(home("https://acme.ghe.com/a/b"), "https://api.acme.ghe.com/repos/a/b/pulls");
        assert_eq!(
            home("https://github.example.com:8443/a/b"),
            "https://github.example.com:8443/api/v3/repos/a/b/pulls"
        );
        assert_eq!(
            home("git@gitlab.example.com:a/b/c.git"),
            "https://gitlab.example.com/api/v4/projects/a%2Fb%2Fc/pulls"
        );
        for path in ["../x", "a//b", "", "./a"] {
            assert!(settings.file(&hub, "main", path).is_err(), "{path}");
        }
    }
}
