//! Which variables of the environment hold a token for which forge. A token is for the host that it was made
//! for: a name that looks like that of a forge is no reason to show it one. Sending it is for an adapter.

use crate::lcm::remote::Home;
use crate::model::ForgeKind;

/// A token for GitHub, the first that is set counts.
pub const GITHUB: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];
/// The same for a GitHub on a host of one's own, as its own program names them.
const ENTERPRISE: [&str; 2] = ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"];
/// The same for GitLab.
pub const GITLAB: [&str; 1] = ["GITLAB_TOKEN"];

/// The variables whose token may be shown to the host of a project, the first that is set counts; none where
/// nobody said that the host is the forge's. `named` says whether the platform's files do. A pipeline says by
/// `env` where it runs.
pub fn names(home: &Home, named: bool, env: &dyn Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let host = home.remote.host.as_str();
    match home.forge {
        ForgeKind::GitHub if is_github(host) => GITHUB.to_vec(),
        ForgeKind::GitHub => {
            let own = named || env("GITHUB_SERVER_URL").is_some_and(|url| host_of(&url) == host);
            let plain = GITHUB.into_iter().filter(|_| own);
            ENTERPRISE.into_iter().chain(plain).collect()
        }
        ForgeKind::GitLab if named || host == "gitlab.com" || is_pipelines(host, env) => GITLAB.to_vec(),
        ForgeKind::GitLab => Vec::new(),
    }
}

/// Hosts of GitHub itself.
fn is_github(host: &str) -> bool {
    matches!(host, "github.com" | "api.github.com") || host.ends_with(".ghe.com")
}

/// Whether GitLab runs the pipeline that this is a part of, at this host.
fn is_pipelines(host: &str, env: &dyn Fn(&str) -> Option<String>) -> bool {
    let own = env("CI_SERVER_HOST").unwrap_or_default().to_ascii_lowercase();
    let port = env("CI_SERVER_PORT").unwrap_or_default();
    !own.is_empty() && (host == own || host == format!("{own}:{port}"))
}

/// The host of an address, with a port where it has one.
fn host_of(url: &str) -> String {
    let rest = url.trim().split_once("://").map_or("", |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::remote::Remote;

    fn shown(forge: ForgeKind, host: &str, named: bool, set: &[(&str, &str)]) -> Vec<&'static str> {
        let remote = Remote { host: host.to_owned(), path: "a/b".to_owned(), plain: false };
        let env =
            |name: &str| set.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
        names(&Home { forge, remote }, named, &env)
    }

    #[test]
    fn a_host_that_only_looks_like_githubs_sees_no_token_of_it() {
        let hub = |host, named, set: &[(&str, &str)]| shown(ForgeKind::GitHub, host, named, set);
        for own in ["github.com", "api.github.com", "acme.ghe.com"] {
            assert_eq!(hub(own, false, &[]), GITHUB, "{own}");
        }
        for other in ["github.example.com", "github.com.example.com", "evilghe.com", "github.com:8443"] {
            assert_eq!(hub(other, false, &[]), ENTERPRISE, "{other}");
        }
        let whole = [ENTERPRISE, GITHUB].concat();
        assert_eq!(hub("git.example.com", true, &[]), whole);
        let server = [("GITHUB_SERVER_URL", "https://github.example.com/")];
        assert_eq!(hub("github.example.com", false, &server), whole);
        assert_eq!(hub("github.other.example.com", false, &server), ENTERPRISE);
    }

    #[test]
    fn a_host_that_only_looks_like_gitlabs_sees_no_token_of_it() {
        let lab = |host, named, set: &[(&str, &str)]| shown(ForgeKind::GitLab, host, named, set);
        assert_eq!(lab("gitlab.com", false, &[]), GITLAB);
        assert_eq!(lab("gitlab.example.com", true, &[]), GITLAB);
        let server = [("CI_SERVER_HOST", "gitlab.example.com"), ("CI_SERVER_PORT", "8443")];
        assert_eq!(lab("gitlab.example.com", false, &server), GITLAB);
        assert_eq!(lab("gitlab.example.com:8443", false, &server), GITLAB);
        for set in [&server[..], &[("CI_SERVER_HOST", "")]] {
            assert!(lab("gitlab.evil.example.com", false, set).is_empty());
        }
    }
}
