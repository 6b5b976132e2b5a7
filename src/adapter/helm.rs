//! Helm, by its program, as a renderer only: the chart's files and values go in, manifests come
//! out. It decides what helm's world is: no network, no cluster, no configuration, plugins or
//! caches of the user, nothing of the environment. What becomes of the output is for `render`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::exec::lay_out;
use super::process::{Answer, Call};
use super::temporary::Folder;
use crate::digest::Digest;
use crate::port::{Fault, HelmOutput, HelmRequest, HelmVersion, Renderer};
use crate::render::Mask;

/// The variable that names the program.
const VARIABLE: &str = "TIDEGATE_HELM";

/// How long helm may take to say its version.
const SAY_VERSION: Duration = Duration::from_secs(30);

/// An address where nobody listens: what asks the network is refused at once.
const NOWHERE: &str = "http://127.0.0.1:1";

/// The helm program.
#[derive(Debug)]
pub struct HelmCli {
    program: Result<PathBuf, Fault>,
    version: OnceCell<HelmVersion>,
}

impl HelmCli {
    /// The program that `TIDEGATE_HELM` names, else `helm` on PATH. If there is none, every use is a
    /// fault that says how to get one; a fleet without charts needs none.
    pub fn find() -> Self {
        Self { program: find(), version: OnceCell::new() }
    }

    /// This program.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: Ok(program.into()), version: OnceCell::new() }
    }

    async fn ask(&self) -> Result<HelmVersion, Fault> {
        let program = self.program.clone()?;
        let world = World::new()?;
        // Helm 3 and 4 both know this flag; without a template they print different things.
        let answer = world
            .call(&program, SAY_VERSION)
            .args(["version", "--template", "{{.Version}}"])
            .run()
            .await
            .map_err(|fault| {
                Fault::new(fault.class, format!("asking helm for its version: {}", fault.message))
            })?;
        let said = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        if !answer.ok() || said.is_empty() {
            return Err(Fault::permanent(format!(
                "`{}` does not say a version as helm does: {}",
                program.display(),
                answer.words()
            )));
        }
        if !said.starts_with("v3.") && !said.starts_with("v4.") {
            return Err(Fault::permanent(format!(
                "`{}` is helm {said}; helm 3 or 4 is needed",
                program.display()
            )));
        }
        let binary = tokio::task::spawn_blocking(move || hash(&program))
            .await
            .map_err(|error| Fault::transient(format!("reading helm's program: {error}")))?;
        let binary = binary.map_err(|error| Fault::transient(format!("reading helm's program: {error}")))?;
        Ok(HelmVersion { version: said, binary })
    }
}

fn find() -> Result<PathBuf, Fault> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        let path = PathBuf::from(named);
        return if path.is_file() {
            path.canonicalize().map_err(|error| Fault::permanent(format!("{VARIABLE}: {error}")))
        } else {
            Err(Fault::permanent(format!("{VARIABLE} names `{}`, which is not there", path.display())))
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("helm"))
        .find(|candidate| candidate.is_file())
        .and_then(|found| found.canonicalize().ok())
        .ok_or_else(|| {
            Fault::permanent(format!(
                "helm was not found on PATH, and a product has a helm chart: install helm 4 (https://helm.sh/docs/intro/install), or name its program with {VARIABLE}"
            ))
        })
}

fn hash(program: &Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(program)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 20];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(Digest::from_bytes(hash.finalize().into()));
        }
        hash.update(&buffer[..n]);
    }
}

/// A folder that is all that helm sees of the disk's configuration.
struct World {
    folder: Folder,
}

impl World {
    fn new() -> Result<Self, Fault> {
        let folder = Folder::new("helm-")
            .map_err(|error| Fault::transient(format!("making a folder for helm: {error}")))?;
        let world = Self { folder };
        for name in ["home", "cache", "config", "data", "plugins", "tmp"] {
            std::fs::create_dir(world.path(name))
                .map_err(|error| Fault::transient(format!("making a folder for helm: {error}")))?;
        }
        Ok(world)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn call(&self, program: &Path, deadline: Duration) -> Call {
        let mut call = Call::new(program, deadline).bare().dir(self.folder.path());
        let folders = [
            ("HOME", "home"),
            ("HELM_CACHE_HOME", "cache"),
            ("HELM_CONFIG_HOME", "config"),
            ("HELM_DATA_HOME", "data"),
            ("HELM_PLUGINS", "plugins"),
            ("HELM_REPOSITORY_CACHE", "cache"),
            ("HELM_REPOSITORY_CONFIG", "config/repositories.yaml"),
            ("HELM_REGISTRY_CONFIG", "config/registry.json"),
            ("KUBECONFIG", "config/no-cluster"),
            ("TMPDIR", "tmp"),
        ];
        for (variable, name) in folders {
            call = call.env(variable, self.path(name));
        }
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            call = call.env(variable, NOWHERE);
        }
        call.env("TZ", "UTC").env("LC_ALL", "C")
    }
}

/// Writes a file that only this user may read.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

fn failed(answer: &Answer, mask: &Mask) -> Fault {
    let words = mask.hide(&answer.words());
    let words = words.strip_prefix("Error: ").unwrap_or(&words);
    Fault::permanent(format!("helm can't render the chart: {words}"))
}

#[async_trait]
impl Renderer for HelmCli {
    async fn version(&self) -> Result<HelmVersion, Fault> {
        self.version.get_or_try_init(|| self.ask()).await.cloned()
    }

    async fn render(&self, request: HelmRequest) -> Result<HelmOutput, Fault> {
        let program = self.program.clone()?;
        let world = World::new()?;
        let chart = world.path("chart");
        std::fs::create_dir(&chart)
            .map_err(|error| Fault::transient(format!("making a folder for a chart: {error}")))?;
        lay_out(&request.chart, &chart)?;
        let values = world.path("values.json");
        // JSON is YAML; helm reads it as such.
        let text = serde_json::to_vec(&request.values)
            .map_err(|_| Fault::permanent("the values of a chart can't be written"))?;
        write_private(&values, &text)
            .map_err(|error| Fault::transient(format!("writing the values of a chart: {error}")))?;
        // An argument that begins with a dash would be a flag.
        for name in [&request.release, &request.namespace] {
            if name.is_empty() || name.starts_with('-') {
                return Err(Fault::permanent(format!("`{name}` is no name for a release or a namespace")));
            }
        }
        let mut call = world
            .call(&program, request.timeout.std())
            .args(["template", &request.release])
            .args([chart.as_os_str()])
            .args(["--namespace", &request.namespace, "--include-crds", "--values"])
            .args([values.as_os_str()])
            .args([format!("--kube-version={}", request.kubernetes)]);
        for version in &request.api_versions {
            call = call.args([format!("--api-versions={version}")]);
        }
        let mask = Mask::new(request.mask.iter().map(|secret| secret.expose()));
        let answer = call.run().await?;
        if !answer.ok() {
            return Err(failed(&answer, &mask));
        }
        let manifests = String::from_utf8(answer.stdout)
            .map_err(|_| Fault::permanent("helm printed what is not UTF-8"))?;
        Ok(HelmOutput { manifests })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::FailureClass;

    fn program(script: &str) -> (tempfile::TempDir, HelmCli) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("helm");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let helm = HelmCli::at(path);
        (folder, helm)
    }

    #[tokio::test]
    async fn a_program_that_is_no_helm_is_refused() {
        for script in ["exit 1", "echo v2.17.0", "true"] {
            let (_folder, helm) = program(script);
            let fault = helm.version().await.unwrap_err();
            assert_eq!(fault.class, FailureClass::Permanent, "{fault}");
        }
        let fault = HelmCli::at("/no/such/helm").version().await.unwrap_err();
        assert!(fault.message.contains("/no/such/helm"), "{fault}");
    }

    #[tokio::test]
    async fn the_version_is_asked_once_and_comes_with_the_programs_hash() {
        let (folder, helm) = program("echo x >> \"$(dirname \"$0\")/asked\"; printf v4.3.1");
        let version = helm.version().await.unwrap();
        assert_eq!(helm.version().await.unwrap(), version);
        assert_eq!(version.version, "v4.3.1");
        assert_eq!(version.binary, crate::digest::bytes(&std::fs::read(folder.path().join("helm")).unwrap()));
        assert_eq!(std::fs::read_to_string(folder.path().join("asked")).unwrap().lines().count(), 1);
    }
}
