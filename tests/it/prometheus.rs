//! A real Prometheus on loopback with samples that a test chose: from the PATH, else from Debian's
//! package, unpacked into the cache.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server; it ends with this value.
pub struct Prometheus {
    child: Child,
    port: u16,
    _data: tempfile::TempDir,
}

/// One series: its name, the cluster it speaks of, and its value over the last half hour.
pub type Flat<'a> = (&'a str, &'a str, f64);

impl Prometheus {
    /// A server that knows these series.
    pub fn with(series: &[Flat<'_>]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (prometheus, promtool) = programs();
        // One moment for all of one second: the text format wants a family's lines together.
        let now = jiff::Timestamp::now().as_second();
        let mut text = String::new();
        let mut names: Vec<&str> = series.iter().map(|(name, _, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            writeln!(text, "# TYPE {name} gauge").unwrap();
            for (_, cluster, value) in series.iter().filter(|(n, _, _)| *n == name) {
                // Into the near future too, so that the newest samples never look stale.
                for step in -120..120_i64 {
                    writeln!(text, "{name}{{cluster=\"{cluster}\"}} {value} {}", now + step * 15).unwrap();
                }
            }
        }
        text.push_str("# EOF\n");
        let samples = data.path().join("samples.txt");
        std::fs::write(&samples, text).unwrap();
        let blocks = data.path().join("data");
        let made = Command::new(promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&samples, &blocks])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let config = data.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(prometheus)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", blocks.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(data.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { child, port, _data: data };
        server.ready();
        server
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn ready(&mut self) {
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let gone = self.child.try_wait().unwrap();
            let log = std::fs::read_to_string(self._data.path().join("log")).unwrap_or_default();
            assert!(gone.is_none() && begun.elapsed() < Duration::from_secs(60), "prometheus: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `prometheus` and `promtool`.
fn programs() -> (PathBuf, PathBuf) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|p| p.join("prometheus").is_file());
    let folder = found.unwrap_or_else(|| unpacked().join("usr/bin"));
    (folder.join("prometheus"), folder.join("promtool"))
}

/// Debian's package, unpacked in the cache; two tests at once do it once.
fn unpacked() -> PathBuf {
    static ONCE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| {
        let cache = crate::bed::cache().unwrap().join("prometheus");
        if !cache.join("usr/bin/promtool").is_file() {
            fetch(&cache);
        }
        cache
    })
    .clone()
}

fn fetch(cache: &Path) {
    let work = tempfile::tempdir_in(cache.parent().unwrap()).unwrap();
    let script = "apt-get download prometheus || { apt-get update && apt-get download prometheus; } \
                  && dpkg -x prometheus_*.deb unpacked";
    let done = Command::new("sh").args(["-c", script]).current_dir(work.path()).output();
    let done = done.unwrap();
    assert!(
        done.status.success(),
        "prometheus is needed: install Debian's package of that name. {}",
        String::from_utf8_lossy(&done.stderr)
    );
    // Whoever renames first has won.
    let _ = std::fs::rename(work.path().join("unpacked"), cache);
}
