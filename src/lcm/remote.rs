//! Where a remote of git lies: the host and the project that its address names, as git takes addresses
//! (git-fetch, "GIT URLS"), and which forge that is. Nobody is asked; a host whose name does not tell its forge
//! is told by `pipelines/sources.yaml`.

use std::fmt;
use std::str::FromStr;

use crate::model::ForgeKind;

/// The longest address that is read, in bytes.
const LONGEST: usize = 2048;

/// Names under which forges answer to ssh where its own port is closed.
const OTHER_NAMES: [(&str, &str); 2] =
    [("ssh.github.com", "github.com"), ("altssh.gitlab.com", "gitlab.com")];

/// Where a remote lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// `HOST` or `HOST:PORT`, as a browser would name it.
    pub host: String,
    /// The project: `OWNER/NAME`, `GROUP/BELOW/NAME`.
    pub path: String,
    /// Whether it is reached without TLS.
    pub plain: bool,
}

/// A project of one's own at a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Which forge.
    pub forge: ForgeKind,
    /// Where it lies there.
    pub remote: Remote,
}

/// Why an address names no project at a forge; a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// It is a folder, or nothing that git would take.
    #[error("`{0}` is no address of a project at a forge")]
    Address(String),
    /// Its host does not tell which forge it is.
    #[error("nothing says which forge `{0}` is")]
    Forge(String),
    /// A project lies otherwise there.
    #[error("`{0}` is no project of GitHub: expected OWNER/NAME")]
    Path(String),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl FromStr for Remote {
    type Err = RemoteError;

    fn from_str(text: &str) -> Result<Self, RemoteError> {
        let wrong = || RemoteError::Address(without_user(text));
        if text.len() > LONGEST || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong());
        }
        let (scheme, authority, path) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_once('/').ok_or_else(wrong)?;
                (scheme.to_ascii_lowercase(), authority, path)
            }
            None => {
                let (authority, path) = scp_like(text).ok_or_else(wrong)?;
                ("ssh".to_owned(), authority, path)
            }
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (name, port) = host_and_port(host).ok_or_else(wrong)?;
        let usual = match scheme.as_str() {
            "https" => Some("443"),
            "http" => Some("80"),
            // Their ports are none of the web.
            "ssh" | "git+ssh" | "ssh+git" | "git" => None,
            _ => return Err(wrong()),
        };
        let name = name.to_ascii_lowercase();
        let name =
            OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, own)| (*own).to_owned());
        let host = match (usual, port) {
            (Some(usual), Some(port)) if port != usual => format!("{name}:{port}"),
            _ => name,
        };
        Ok(Self { host, path: project(path).ok_or_else(wrong)?, plain: scheme == "http" })
    }
}

impl Remote {
    /// The project at its forge; `named` is what the platform's files say that the host is.
    ///
    /// # Errors
    /// When nothing tells which forge it is, or no project can lie so there.
    pub fn home(self, named: Option<ForgeKind>) -> Result<Home, RemoteError> {
        let forge =
            named.or_else(|| by_name(&self.host)).ok_or_else(|| RemoteError::Forge(self.host.clone()))?;
        if forge == ForgeKind::GitHub && self.path.split('/').count() != 2 {
            return Err(RemoteError::Path(self.path));
        }
        Ok(Home { forge, remote: self })
    }
}

impl Home {
    /// The address of its page.
    pub fn page(&self) -> String {
        let scheme = if self.remote.plain { "http" } else { "https" };
        format!("{scheme}://{}", self.remote)
    }

    /// What a request to take a branch in is called there.
    pub fn noun(&self) -> &'static str {
        match self.forge {
            ForgeKind::GitHub => "pull request",
            ForgeKind::GitLab => "merge request",
        }
    }

    /// What stands before the number of one.
    pub fn sign(&self) -> char {
        match self.forge {
            ForgeKind::GitHub => '#',
            ForgeKind::GitLab => '!',
        }
    }

    /// The page on which a person opens one by hand.
    pub fn by_hand(&self, branch: &str, into: &str) -> String {
        match self.forge {
            ForgeKind::GitHub => format!("{}/compare/{into}...{branch}?expand=1", self.page()),
            ForgeKind::GitLab => {
                format!("{}/-/merge_requests/new?merge_request[source_branch]={branch}", self.page())
            }
        }
    }
}

/// `[USER@]HOST:PATH`; with a slash before the colon it is a folder.
fn scp_like(text: &str) -> Option<(&str, &str)> {
    let from = text.find('[').map_or(0, |open| text[open..].find(']').map_or(0, |close| open + close));
    let colon = from + text.get(from..)?.find(':')?;
    let (authority, path) = (text.get(..colon)?, text.get(colon + 1..)?);
    // `TRANSPORT::ADDRESS` is for a helper of git's.
    (!authority.contains('/') && !authority.is_empty() && !path.starts_with(':')).then_some((authority, path))
}

fn host_and_port(host: &str) -> Option<(&str, Option<&str>)> {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, rest)) => {
            let numbers =
                !inner.is_empty() && inner.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.');
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
            numbers.then_some((host.get(..inner.len() + 2)?, port))?
        }
        None => {
            let (name, port) = match host.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (host, None),
            };
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            let sound = !name.is_empty() && name.chars().all(fits) && !name.starts_with(['-', '.']);
            sound.then_some((name, port))?
        }
    };
    let port = port.filter(|port| !port.is_empty());
    let sound =
        port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    sound.then_some((name, port))
}

/// A path as a project: at least two names, without what git takes away itself.
fn project(path: &str) -> Option<String> {
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let fits = |part: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !part.is_empty() && part.bytes().all(inner) && !part.bytes().all(|b| b == b'.')
    };
    (path.contains('/') && path.split('/').all(fits)).then(|| path.to_owned())
}

/// The forge that a host's name tells.
fn by_name(host: &str) -> Option<ForgeKind> {
    let name = host.split(':').next().unwrap_or(host);
    if name.ends_with(".ghe.com") {
        return Some(ForgeKind::GitHub);
    }
    let labelled = |word: &str| {
        name.split('.').any(|label| {
            label.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    match (labelled("github"), labelled("gitlab")) {
        (true, false) => Some(ForgeKind::GitHub),
        (false, true) => Some(ForgeKind::GitLab),
        _ => None,
    }
}

/// An address for people: without user and password. They may hold a slash or a colon where git would take none,
/// so all of it up to the last `@` goes, before anything else is cut.
fn without_user(text: &str) -> String {
    let is_scheme = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    };
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let whole = match scheme {
        // What stands alone there may be a password as well.
        Some(scheme) if !place.contains('/') => format!("{scheme}://..."),
        Some(scheme) => format!("{scheme}://{place}"),
        None => place.to_owned(),
    };
    whole.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
