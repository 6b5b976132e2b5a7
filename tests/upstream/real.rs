//! Debian's docker-registry on loopback, from the PATH or from its package: what the fakes are measured by.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::adapter::charts::ChartRepositories;
use tidegate::adapter::registry::{Credentials, Registries, Settings};
use tidegate::adapter::web::Web;
use tidegate::lcm::charts::Entry;
use tidegate::port::upstream::{Charts as _, Registry as _, Silence, Wanted};

use super::listing::{names, repository, user};
use super::web::quick;

/// The password `word` of the user `me`, as htpasswd writes it (bcrypt).
const USERS: &str = "me:$2y$05$abcdefghijklmnopqrstuuQDoL5Sa/TtfS/XN4AY/jgq.HBbO1BTu\n";

/// A server; it ends with this value.
pub struct Real {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Real {
    pub fn start(closed: bool) -> Self {
        // Clients of these tests push before the program's own have said who does cryptography.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let port = super::fake::nobody();
        let auth = if closed {
            std::fs::write(path("users"), USERS).unwrap();
            format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", path("users"))
        } else {
            String::new()
        };
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n{auth}",
            path("data")
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program())
            .args(["serve", &path("config.yml")])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(path("log")).unwrap())
            .spawn()
            .unwrap();
        let mut real = Self { child, port, folder };
        real.ready();
        real
    }

    fn ready(&mut self) {
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let gone = self.child.try_wait().unwrap();
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(gone.is_none() && begun.elapsed() < Duration::from_secs(30), "docker-registry: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Pushes a small image under each tag, by the registry's own interface.
    pub async fn push(&self, name: &str, tags: &[String]) {
        let digest = self.blob(name, b"{}".to_vec()).await;
        for tag in tags {
            self.name(name, tag, KIND, manifest(&digest, tag)).await;
        }
    }

    /// Pushes a chart as Helm does.
    async fn push_chart(&self, name: &str, tag: &str, archive: &[u8]) {
        let config = self.blob(name, b"{}".to_vec()).await;
        let layer = self.blob(name, archive.to_vec()).await;
        let manifest = super::packages::manifest(&config, &layer, archive.len());
        self.name(name, tag, super::packages::MANIFEST, manifest).await;
    }

    /// Names a manifest.
    async fn name(&self, name: &str, tag: &str, kind: &str, manifest: String) {
        let home = format!("http://{}/v2/{name}/manifests/{tag}", self.host());
        let put =
            reqwest::Client::new().put(home).header("Authorization", super::registry::basic("me", "word"));
        let put = put.header("Content-Type", kind).body(manifest).send().await.unwrap();
        assert_eq!(put.status(), 201, "{}", put.text().await.unwrap());
    }

    /// Pushes a blob; its digest.
    async fn blob(&self, name: &str, bytes: Vec<u8>) -> String {
        let client = reqwest::Client::new();
        let home = format!("http://{}/v2/{name}", self.host());
        let auth = super::registry::basic("me", "word");
        let digest = tidegate::digest::bytes(&bytes).to_string();
        let begun = client
            .post(format!("{home}/blobs/uploads/"))
            .header("Authorization", &auth)
            .send()
            .await
            .unwrap();
        let place = begun.headers()["location"].to_str().unwrap();
        let url = reqwest::Url::parse(&home).unwrap().join(place).unwrap();
        let joiner = if url.query().is_some() { '&' } else { '?' };
        let done = client
            .put(format!("{url}{joiner}digest={digest}"))
            .header("Authorization", &auth)
            .body(bytes)
            .send();
        assert_eq!(done.await.unwrap().status(), 201);
        digest
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const KIND: &str = "application/vnd.docker.distribution.manifest.v2+json";

pub fn manifest(config: &str, tag: &str) -> String {
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": KIND,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": config},
        "layers": [],
        "annotations": {"tag": tag},
    })
    .to_string()
}

/// `docker-registry`.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|folder| folder.join("docker-registry").is_file());
    found.unwrap_or_else(|| unpacked().join("usr/bin")).join("docker-registry")
}

/// Debian's package, unpacked in the cache; two tests at once do it once.
fn unpacked() -> PathBuf {
    static ONCE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| {
        let cache = super::tools::cache().unwrap().join("docker-registry");
        if !cache.join("usr/bin/docker-registry").is_file() {
            fetch(&cache);
        }
        cache
    })
    .clone()
}

fn fetch(cache: &Path) {
    let work = tempfile::tempdir_in(cache.parent().unwrap()).unwrap();
    let script = "apt-get download docker-registry || { apt-get update && apt-get download docker-registry; } \
                  && dpkg -x docker-registry_*.deb unpacked";
    let done = Command::new("sh").args(["-c", script]).current_dir(work.path()).output().unwrap();
    assert!(
        done.status.success(),
        "docker-registry is needed: install Debian's package of that name. {}",
        String::from_utf8_lossy(&done.stderr)
    );
    // Whoever renames first has won.
    let _ = std::fs::rename(work.path().join("unpacked"), cache);
}

fn registries(credentials: Credentials) -> Registries {
    Registries::new(Arc::new(Web::new(quick())), Settings::default(), credentials)
}

#[tokio::test]
async fn a_real_registry_lists_what_was_pushed() {
    let real = Real::start(false);
    let tags: Vec<String> = (0..30).map(|n| format!("v1.{n:02}.0")).collect();
    real.push("team/app", &tags).await;
    let registries = registries(Credentials::none());
    let app = repository(&format!("{}/team/app", real.host()));
    // This version gives them in the order of its folders, and all on one page whatever was asked for.
    let listed = registries.tags(&app, Wanted::Digests).await.unwrap();
    let mut listed = names(&listed);
    listed.sort_unstable();
    assert_eq!(listed, tags);
    let config = tidegate::digest::bytes(b"{}").to_string();
    let expected = tidegate::digest::bytes(manifest(&config, "v1.07.0").as_bytes()).to_string();
    let image = format!("{app}:v1.07.0").parse().unwrap();
    assert_eq!(registries.digest(&image).await.unwrap(), expected);
    let missing = repository(&format!("{}/no/such", real.host()));
    let silence = registries.tags(&missing, Wanted::Names).await.unwrap_err();
    assert_eq!(silence.why, Silence::Missing);
    assert!(silence.message.contains("NAME_UNKNOWN"), "{silence}");
    let missing = format!("{app}:none").parse().unwrap();
    assert_eq!(registries.digest(&missing).await.unwrap_err().why, Silence::Missing);
}

#[tokio::test]
async fn a_real_registry_with_a_password_wants_it() {
    let real = Real::start(true);
    real.push("team/app", &["1.0".to_owned()]).await;
    let app = repository(&format!("{}/team/app", real.host()));
    let known = registries(user(&real.host(), "me", "word"));
    assert_eq!(names(&known.tags(&app, Wanted::Names).await.unwrap()), ["1.0"]);
    for credentials in [Credentials::none(), user(&real.host(), "me", "wrong")] {
        let silence = registries(credentials).tags(&app, Wanted::Names).await.unwrap_err();
        assert_eq!(silence.why, Silence::Forbidden, "{silence}");
    }
}

#[tokio::test]
async fn a_real_registry_gives_the_package_of_a_chart_to_who_may_have_it() {
    let real = Real::start(true);
    let archive = super::packages::archive("2.0.0+build.1", "replicas: 1\n", &[]);
    real.push_chart("charts/web", "2.0.0_build.1", &archive).await;
    real.push("charts/image", &["1.0.0".to_owned()]).await;
    let repository = format!("oci://{}/charts", real.host());
    let of = |credentials| {
        let web = Arc::new(Web::new(quick()));
        let registry = Registries::new(Arc::clone(&web), Settings::default(), credentials);
        ChartRepositories::new(web, Arc::new(registry))
    };
    let known = of(user(&real.host(), "me", "word"));
    let entry = |version: &str| Entry { version: version.to_owned(), ..Entry::default() };
    let packed = known.package(&repository, "web", &entry("2.0.0+build.1")).await.unwrap();
    assert_eq!((packed.bytes, packed.address), (archive, None));
    let missing = known.package(&repository, "web", &entry("3.0.0")).await.unwrap_err();
    assert_eq!(missing.why, Silence::Missing, "{missing}");
    let image = known.package(&repository, "image", &entry("1.0.0")).await.unwrap_err();
    assert!(image.message.contains("it is no chart"), "{image}");
    let stranger = of(Credentials::none()).package(&repository, "web", &entry("2.0.0+build.1")).await;
    assert_eq!(stranger.unwrap_err().why, Silence::Forbidden);
}
