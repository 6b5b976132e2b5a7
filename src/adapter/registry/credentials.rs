//! Who this program is to a registry: from docker's configuration, podman's, pull secrets of clusters, and
//! helper programs. It decides which entry counts; how it is shown is for the door.
//!
//! Sources: docker's `config.json` (docs.docker.com/reference/cli/docker/login), containers-auth.json(5),
//! and the kubelet's reading of `imagePullSecrets`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ecr::{self, Keys};
use super::helper;
use crate::model::image::Repository;
use crate::port::Secret;

/// The largest file of credentials that is read, in bytes.
const MOST: u64 = 1024 * 1024;

/// How docker writes its own registry.
pub(super) const HUB: &str = "https://index.docker.io/v1/";

/// What one has to show.
#[derive(Clone)]
pub(super) enum Account {
    /// User and password.
    Login(String, Secret),
    /// A token that is exchanged for others (`identitytoken`).
    Identity(Secret),
    /// A token that is shown as it is (`registrytoken`).
    Token(Secret),
}

impl Account {
    /// What nobody else may see of it.
    pub fn secret(&self) -> &Secret {
        match self {
            Self::Login(_, secret) | Self::Identity(secret) | Self::Token(secret) => secret,
        }
    }
}

/// An entry of `auths`.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// One file's content.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

/// What was found for a repository.
#[derive(Clone, Default)]
pub(super) struct Found {
    /// What one has to show; nothing means to ask as nobody.
    pub account: Option<Account>,
    /// What kept this program from finding more, for when the registry asks for it.
    pub trouble: Option<String>,
}

/// What a helper answered, for all who need it.
type Once = Arc<tokio::sync::OnceCell<Found>>;

/// All credentials of a run.
#[derive(Default)]
pub struct Credentials {
    configs: Vec<Config>,
    keys: Option<Keys>,
    trouble: Vec<String>,
    /// What helpers answered, by program and server.
    asked: Mutex<BTreeMap<(String, String), Once>>,
}

impl Credentials {
    /// None at all: everything is asked as nobody.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of this host's user. `env` reads an environment variable: where docker's and podman's files
    /// are, and the keys of AWS.
    pub fn of_user(env: &dyn Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let podman = |folder: PathBuf| folder.join("containers/auth.json");
        let docker = set("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker")));
        let own = set("XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
        let files = [
            set("REGISTRY_AUTH_FILE"),
            docker.map(|folder| folder.join("config.json")),
            set("XDG_RUNTIME_DIR").map(podman),
            own.map(podman),
        ];
        let mut all = Self { keys: Keys::read(env), ..Self::default() };
        for file in files.into_iter().flatten() {
            all.add_file(&file);
        }
        all
    }

    fn add_file(&mut self, file: &std::path::Path) {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        let read = std::fs::File::open(file).and_then(|opened| opened.take(MOST).read_to_end(&mut bytes));
        match read {
            Ok(_) if !self.add(&bytes) => {
                self.trouble.push(format!("`{}` is no file of credentials", file.display()));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.trouble.push(format!("`{}` can't be read: {error}", file.display())),
        }
    }

    /// Adds the content of a file, or of a pull secret (`kubernetes.io/dockerconfigjson`, or the older
    /// `kubernetes.io/dockercfg`); what was added before counts first. `false` if it is none.
    pub fn add(&mut self, content: &[u8]) -> bool {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(content) else { return false };
        let is_old = value.as_object().is_some_and(|map| {
            !map.is_empty() && map.values().all(|entry| entry.get("auth").or(entry.get("password")).is_some())
        });
        let config = if is_old {
            serde_json::from_value(value).map(|auths| Config { auths, ..Config::default() })
        } else {
            serde_json::from_value(value)
        };
        match config {
            Ok(config) => self.configs.push(config),
            Err(_) => return false,
        }
        true
    }

    /// What one has to show for a repository.
    pub(super) async fn find(&self, repository: &Repository) -> Found {
        let mut trouble = self.trouble.clone();
        for config in &self.configs {
            let helper = config.helper(&repository.registry);
            if helper.is_none()
                && let Some(account) = config.entry(repository).and_then(Entry::account)
            {
                return Found { account: Some(account), trouble: None };
            }
            let Some(program) = helper.or(config.creds_store.as_deref()) else { continue };
            // Few have a helper: what waits for one is not to be part of each question that waits.
            let found = Box::pin(self.ask(program, &server(&repository.registry))).await;
            if found.account.is_some() {
                return found;
            }
            trouble.extend(found.trouble);
        }
        let trouble = Some(trouble.join("; ")).filter(|words| !words.is_empty());
        Found { account: None, trouble }
    }

    /// The keys of AWS, if they are set and this is one of its private registries.
    pub(super) fn keys(&self, registry: &str) -> Option<(&Keys, ecr::Region)> {
        Some((self.keys.as_ref()?, ecr::Region::of(registry)?))
    }

    async fn ask(&self, program: &str, server: &str) -> Found {
        let key = (program.to_owned(), server.to_owned());
        let cell = {
            let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(asked.entry(key).or_default())
        };
        let answer = cell.get_or_init(async || match helper::ask(program, server).await {
            Ok(account) => Found { account, trouble: None },
            Err(words) => Found { account: None, trouble: Some(words) },
        });
        answer.await.clone()
    }
}

impl Config {
    fn helper(&self, registry: &str) -> Option<&str> {
        let named = names(registry).into_iter().find_map(|name| self.cred_helpers.get(&name));
        named.map(String::as_str).filter(|program| !program.is_empty())
    }

    /// The entry whose key names the most of a repository; hosts with `*` (only the kubelet's) come last.
    fn entry(&self, repository: &Repository) -> Option<&Entry> {
        let hosts = names(&repository.registry);
        let fits = |key: &str| {
            let (host, path) = split(key);
            let whole = format!("{}/", repository.name);
            let is_part = path.is_empty() || whole.starts_with(&format!("{path}/"));
            let exact = hosts.iter().any(|name| split(name).0 == host);
            (is_part && (exact || has_shape(host, &repository.registry))).then_some((exact, path.len()))
        };
        let filled = self.auths.iter().filter(|(_, entry)| Entry::account(entry).is_some());
        let fitting = filled.filter_map(|(key, entry)| Some((fits(key)?, entry)));
        fitting.max_by_key(|(rank, _)| *rank).map(|(_, entry)| entry)
    }
}

impl Entry {
    fn account(&self) -> Option<Account> {
        let set = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(token) = set(&self.registrytoken) {
            return Some(Account::Token(Secret::new(token)));
        }
        if let Some(token) = set(&self.identitytoken) {
            return Some(Account::Identity(Secret::new(token)));
        }
        if let (Some(user), Some(password)) = (set(&self.username), set(&self.password)) {
            return Some(Account::Login(user, Secret::new(password)));
        }
        let decoded = STANDARD.decode(set(&self.auth)?.trim()).ok()?;
        // Docker fills what it encodes with zeros.
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        let password = password.trim_end_matches('\0');
        (!user.is_empty()).then(|| Account::Login(user.to_owned(), Secret::new(password)))
    }
}

/// The names by which a registry's host is written in files.
fn names(registry: &str) -> Vec<String> {
    let mut names = vec![registry.to_owned()];
    if registry == "docker.io" {
        names.extend([HUB, "index.docker.io", "registry-1.docker.io"].map(str::to_owned));
    }
    names
}

/// How a helper wants a registry named.
fn server(registry: &str) -> String {
    if registry == "docker.io" { HUB.to_owned() } else { registry.to_owned() }
}

/// The host and the path of a key; a scheme, and `/v1/` or `/v2/` of old, mean nothing.
fn split(key: &str) -> (&str, &str) {
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let path = path.trim_end_matches('/');
    (host, if matches!(path, "v1" | "v2") { "" } else { path })
}

/// Whether a host has the shape of a pattern: label by label, `*` for any part of one.
fn has_shape(pattern: &str, host: &str) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let label = |(pattern, text): (&str, &str)| {
        let mut parts = pattern.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let mut last_part = None;
        for part in parts {
            last_part = Some(part);
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        last_part.is_some_and(|part| text.ends_with(part)) || rest.is_empty()
    };
    pattern.split('.').count() == host.split('.').count()
        && pattern.split('.').zip(host.split('.')).all(label)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn user(credentials: &Credentials, repository: &str) -> Option<String> {
        match credentials.find(&repository.parse().unwrap()).await.account? {
            Account::Login(user, password) => Some(format!("{user}:{}", password.expose())),
            Account::Identity(token) => Some(format!("identity {}", token.expose())),
            Account::Token(token) => Some(format!("token {}", token.expose())),
        }
    }

    fn read(text: &str) -> Credentials {
        let mut credentials = Credentials::none();
        assert!(credentials.add(text.as_bytes()), "{text}");
        credentials
    }

    #[tokio::test]
    async fn the_entry_that_names_the_most_counts() {
        let of = |user: &str| STANDARD.encode(format!("{user}:word"));
        let text = format!(
            r#"{{"auths":{{"quay.io":{{"auth":"{}"}},"quay.io/team":{{"auth":"{}"}},"quay.io/team/app":{{"auth":"{}"}},
                "https://index.docker.io/v1/":{{"auth":"{}"}},"https://r.example.com:5000/v2/":{{"auth":"{}"}}}}}}"#,
            of("all"),
            of("team"),
            of("app"),
            of("hub"),
            of("old")
        );
        let credentials = read(&text);
        assert_eq!(user(&credentials, "quay.io/other/x").await.unwrap(), "all:word");
        assert_eq!(user(&credentials, "quay.io/team/x").await.unwrap(), "team:word");
        assert_eq!(user(&credentials, "quay.io/team/app").await.unwrap(), "app:word");
        assert_eq!(user(&credentials, "quay.io/team/apple").await.unwrap(), "team:word");
        assert_eq!(user(&credentials, "redis").await.unwrap(), "hub:word");
        assert_eq!(user(&credentials, "r.example.com:5000/x").await.unwrap(), "old:word");
        assert_eq!(user(&credentials, "r.example.com/x").await, None);
    }

    #[tokio::test]
    async fn every_way_to_write_an_account_is_read() {
        let text = r#"{"auths":{
            "a.example.com":{"username":"me","password":"pa:ss"},
            "b.example.com":{"auth":"MDA6","identitytoken":"id"},
            "c.example.com":{"registrytoken":"reg"},
            "d.example.com":{},
            "e.example.com":{"auth":"not base64!"}}}"#;
        let credentials = read(text);
        assert_eq!(user(&credentials, "a.example.com/x").await.unwrap(), "me:pa:ss");
        assert_eq!(user(&credentials, "b.example.com/x").await.unwrap(), "identity id");
        assert_eq!(user(&credentials, "c.example.com/x").await.unwrap(), "token reg");
        assert_eq!(user(&credentials, "d.example.com/x").await, None);
        assert_eq!(user(&credentials, "e.example.com/x").await, None);
    }

    #[tokio::test]
    async fn the_older_pull_secret_and_hosts_with_stars_are_read() {
        let credentials = read(r#"{"registry.example.com":{"username":"u","password":"p","auth":"dTpw"}}"#);
        assert_eq!(user(&credentials, "registry.example.com/x").await.unwrap(), "u:p");
        let credentials =
            read(r#"{"auths":{"*.example.com":{"auth":"dTpw"},"eu.example.com":{"auth":"eDp5"}}}"#);
        assert_eq!(user(&credentials, "us.example.com/x").await.unwrap(), "u:p");
        assert_eq!(user(&credentials, "eu.example.com/x").await.unwrap(), "x:y");
        assert_eq!(user(&credentials, "a.b.example.com/x").await, None);
        assert!(has_shape("reg*y.example.com", "registry.example.com"));
        assert!(!has_shape("reg*z.example.com", "registry.example.com"));
    }

    #[tokio::test]
    async fn files_are_found_where_docker_and_podman_keep_them() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join(".docker")).unwrap();
        std::fs::create_dir_all(home.path().join(".config/containers")).unwrap();
        std::fs::write(home.path().join(".docker/config.json"), r#"{"auths":{"a.io":{"auth":"dTpw"}}}"#)
            .unwrap();
        let podman = home.path().join(".config/containers/auth.json");
        std::fs::write(&podman, r#"{"auths":{"b.io":{"auth":"eDp5"}}}"#).unwrap();
        let credentials = Credentials::of_user(&|_| None, Some(home.path().to_owned()));
        assert_eq!(user(&credentials, "a.io/x").await.unwrap(), "u:p");
        assert_eq!(user(&credentials, "b.io/x").await.unwrap(), "x:y");
        std::fs::write(&podman, "{").unwrap();
        let credentials = Credentials::of_user(&|_| None, Some(home.path().to_owned()));
        let found = credentials.find(&"c.io/x".parse().unwrap()).await;
        assert!(found.trouble.unwrap().ends_with("is no file of credentials"));
    }
}
