//! Where the binaries come from: a user's `KUBEBUILDER_ASSETS`, else the cache,
//! else a build of the Go modules beside this file. Decides the cache key and
//! that two builds never run at once; how a binary is run is up to its caller.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use super::trouble::{Doing as _, Outcome, trouble};

const KUBERNETES: &str = "v1.36.3";

/// One Go build: a package, and the names its binary goes by.
struct Build {
    name: &'static str,
    /// Folder below `tests/bed/go`.
    module: &'static str,
    /// Package to build, as `go build` takes it from the module's folder.
    package: &'static str,
    /// `-X` settings: package variable and value.
    stamps: &'static [(&'static str, &'static str)],
    /// The tools this binary serves, each a link to it.
    tools: &'static [&'static str],
}

/// A false minor must not be stamped: the emulation floor derives from it.
const KUBERNETES_STAMPS: &[(&str, &str)] = &[
    ("k8s.io/component-base/version.gitVersion", KUBERNETES),
    ("k8s.io/component-base/version.gitMajor", "1"),
    ("k8s.io/component-base/version.gitMinor", "36"),
    ("k8s.io/component-base/version.gitTreeState", "clean"),
    ("k8s.io/client-go/pkg/version.gitVersion", KUBERNETES),
    ("k8s.io/client-go/pkg/version.gitMajor", "1"),
    ("k8s.io/client-go/pkg/version.gitMinor", "36"),
    ("k8s.io/client-go/pkg/version.gitTreeState", "clean"),
];

const BUILDS: &[Build] = &[
    Build { name: "etcd", module: "etcd", package: ".", stamps: &[], tools: &["etcd"] },
    Build {
        name: "kubernetes",
        module: "kubernetes",
        package: ".",
        stamps: KUBERNETES_STAMPS,
        tools: &["kube-apiserver", "kube-controller-manager", "kube-scheduler"],
    },
    Build {
        name: "kubectl",
        module: "kubernetes",
        package: "./kubectl",
        stamps: KUBERNETES_STAMPS,
        tools: &["kubectl"],
    },
    Build { name: "kwok", module: "kwok", package: ".", stamps: &[], tools: &["kwok"] },
    Build {
        name: "helm",
        module: "helm",
        package: "helm.sh/helm/v4/cmd/helm",
        stamps: &[
            ("helm.sh/helm/v4/internal/version.version", "v4.3.1"),
            ("helm.sh/helm/v4/internal/version.gitTreeState", "clean"),
        ],
        tools: &["helm"],
    },
];

/// The names that [`tool`] knows.
pub fn names() -> Vec<&'static str> {
    BUILDS.iter().flat_map(|b| b.tools.iter().copied()).collect()
}

/// A tool's binary, and whether it ends by itself when its parent does.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Absolute path; its file name is the tool's name.
    pub path: PathBuf,
    /// Built from our own `main`, which asks for the parent-death signal.
    pub leashed: bool,
}

/// Finds `name` in `KUBEBUILDER_ASSETS` or the cache, or builds it, once per
/// process. Blocks: up to five minutes for Kubernetes, milliseconds when it is
/// cached.
///
/// # Errors
/// An unknown name; neither Go nor assets; a build that fails, with its output.
pub fn tool(name: &str) -> Outcome<Tool> {
    static FOUND: Mutex<BTreeMap<String, Tool>> = Mutex::new(BTreeMap::new());
    if let Some(tool) = FOUND.lock().unwrap().get(name) {
        return Ok(tool.clone());
    }
    let tool = find(name)?;
    FOUND.lock().unwrap().insert(name.to_owned(), tool.clone());
    Ok(tool)
}

fn find(name: &str) -> Outcome<Tool> {
    let Some(build) = BUILDS.iter().find(|b| b.tools.contains(&name)) else {
        return trouble(format!("there is no tool `{name}`; known: {}", names().join(", ")));
    };
    let assets = env::var_os("KUBEBUILDER_ASSETS").filter(|v| !v.is_empty());
    if let Some(assets) = &assets {
        let path = Path::new(assets).join(name);
        if path.is_file() {
            let path = path.canonicalize().doing(path.display())?;
            return Ok(Tool { path, leashed: false });
        }
    }
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bed/go").join(build.module);
    let Some(toolchain) = go_version() else {
        let place = assets.map_or("KUBEBUILDER_ASSETS is not set".to_owned(), |a| {
            format!("KUBEBUILDER_ASSETS={} has none", Path::new(&a).display())
        });
        return trouble(format!(
            "`{name}` is missing: no `go` in PATH to build it, and {place}; install Go 1.26 or newer \
             (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder that holds it"
        ));
    };
    let entry = cache()?.join(format!("{}-{}", build.name, key(build, &module, &toolchain)?));
    if !entry.is_dir() {
        compile(build, &module, &entry)?;
    }
    Ok(Tool { path: entry.join(name), leashed: build.name != "helm" && build.name != "kubectl" })
}

/// The folder that outlives checkouts: binaries, run folders, port claims.
pub fn cache() -> Outcome<PathBuf> {
    let set = |name| env::var_os(name).filter(|v: &std::ffi::OsString| !v.is_empty());
    let folder = set("TIDEGATE_BED_CACHE")
        .map(PathBuf::from)
        .or_else(|| set("XDG_CACHE_HOME").map(|d| Path::new(&d).join("tidegate/bed")))
        .or_else(|| set("HOME").map(|d| Path::new(&d).join(".cache/tidegate/bed")));
    let Some(folder) = folder else {
        return trouble("no place for its cache: set TIDEGATE_BED_CACHE to a folder");
    };
    fs::create_dir_all(&folder).doing(folder.display())?;
    folder.canonicalize().doing(folder.display())
}

fn go_version() -> Option<String> {
    let out = Command::new("go").arg("version").env("GOWORK", "off").output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Everything that goes into the binary, as twenty hex digits of SHA-256.
fn key(build: &Build, module: &Path, toolchain: &str) -> Outcome<String> {
    let mut files = vec![module.join("go.mod"), module.join("go.sum")];
    let package = module.join(build.package);
    if package.is_dir() {
        let mut sources: Vec<_> = fs::read_dir(&package)
            .doing(package.display())?
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension() == Some(OsStr::new("go")))
            .collect();
        sources.sort();
        files.extend(sources);
    }
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(toolchain.as_bytes());
    part(arguments(build).join("\0").as_bytes());
    for file in &files {
        part(&fs::read(file).doing(file.display())?);
    }
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(20);
    Ok(digits)
}

fn arguments(build: &Build) -> Vec<String> {
    let mut link = "-s -w".to_owned();
    for (variable, value) in build.stamps {
        link.push_str(&format!(" -X {variable}={value}"));
    }
    ["build", "-trimpath", "-ldflags", &link, "-o"].map(str::to_owned).to_vec()
}

fn compile(build: &Build, module: &Path, entry: &Path) -> Outcome<()> {
    let cache = cache()?;
    // One build at a time on the whole machine: linking takes 2 GB.
    let lock = cache.join("build.lock");
    let lock = File::create(&lock).doing(lock.display())?;
    lock.lock().doing("waiting for another build")?;
    if entry.is_dir() {
        return Ok(());
    }
    let begun = Instant::now();
    let fresh =
        tempfile::Builder::new().prefix(".build-").tempdir_in(&cache).doing("making a build folder")?;
    let out = Command::new("go")
        .args(arguments(build))
        .arg(fresh.path().join("binary"))
        .arg(build.package)
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        // The compiler's own garbage collection: an eighth of the build's CPU
        // time less, the limit for machines that have little.
        .env("GOGC", "400")
        .env("GOMEMLIMIT", "3GiB")
        .output()
        .doing(format!("go build of {}", build.name))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        let lines: Vec<_> = said.lines().rev().take(20).collect();
        let tail: Vec<_> = lines.into_iter().rev().collect();
        return trouble(format!(
            "go build of {} in {} failed:\n{}",
            build.name,
            module.display(),
            tail.join("\n")
        ));
    }
    for name in build.tools {
        std::os::unix::fs::symlink("binary", fresh.path().join(name)).doing(name)?;
    }
    let folder = fresh.keep();
    fs::rename(&folder, entry).doing(entry.display())?;
    let _ =
        writeln!(std::io::stderr(), "bed: built {} in {:.0} s", build.name, begun.elapsed().as_secs_f64());
    Ok(())
}
