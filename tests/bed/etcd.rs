//! One etcd, shared by many control planes or owned by one. Its data is thrown
//! away, so nothing is synced to disk.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::ports::Ports;
use super::processes::Process;
use super::tools::{Tool, tool};
use super::trouble::{Outcome, trouble};

/// An etcd on loopback, without TLS.
pub struct Etcd {
    run: PathBuf,
    folder: PathBuf,
    binary: Tool,
    client_port: u16,
    peer_port: u16,
    process: Option<Process>,
}

impl Etcd {
    /// Starts one with its data in `folder`; answers once it serves.
    pub async fn start(run: &Path, folder: PathBuf, ports: &Ports) -> Outcome<Self> {
        let mut etcd = Self {
            run: run.to_owned(),
            folder,
            binary: tool("etcd")?,
            client_port: ports.take()?,
            peer_port: ports.take()?,
            process: None,
        };
        etcd.restart().await?;
        Ok(etcd)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.client_port)
    }

    /// Its two ports, to give back when it is gone for good.
    pub fn ports(&self) -> [u16; 2] {
        [self.client_port, self.peer_port]
    }

    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same data and ports.
    pub async fn restart(&mut self) -> Outcome<()> {
        self.kill();
        let client = self.url();
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let process = self.process.insert(Process::start(
            &self.run,
            &self.folder,
            "etcd",
            &self.binary,
            [
                format!("--data-dir={}", self.folder.join("etcd").display()),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
                "--unsafe-no-fsync".to_owned(),
                "--quota-backend-bytes=8589934592".to_owned(),
                "--auto-compaction-retention=5m".to_owned(),
                "--log-level=warn".to_owned(),
            ],
        )?);
        let begun = Instant::now();
        while !healthy(self.client_port).await {
            process.check()?;
            if begun.elapsed() > Duration::from_secs(30) {
                return trouble(format!("etcd does not get healthy:\n{}", process.tail()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Asks /health by hand: two lines of HTTP need no client.
async fn healthy(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"GET /health HTTP/1.0\r\nHost: etcd\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(2), ask).await;
    matches!(answer, Ok(Ok(text)) if text.contains("\"health\":\"true\""))
}
