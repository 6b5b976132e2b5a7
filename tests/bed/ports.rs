//! Which TCP ports a run uses: below 32768, since above lies the range of
//! outgoing connections and a server once failed on a port taken by one. Each
//! process claims a block by a file lock, so that two runs never meet.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;

use super::trouble::{Doing as _, Outcome, trouble};

const FIRST: u16 = 12_000;
const BLOCK: u16 = 250;
const BLOCKS: u16 = 80;

/// The ports of this process.
pub struct Ports {
    free: Mutex<BTreeSet<u16>>,
    /// Holds the claim until the process ends.
    _claim: File,
}

impl Ports {
    /// Claims the first block that no other run holds.
    pub fn claim(cache: &Path) -> Outcome<Self> {
        let folder = cache.join("ports");
        fs::create_dir_all(&folder).doing(folder.display())?;
        for block in 0..BLOCKS {
            let path = folder.join(block.to_string());
            let file = File::create(&path).doing(path.display())?;
            if file.try_lock().is_ok() {
                let first = FIRST + block * BLOCK;
                return Ok(Self { free: Mutex::new((first..first + BLOCK).collect()), _claim: file });
            }
        }
        trouble(format!("all {BLOCKS} blocks of ports are claimed by other runs"))
    }

    /// A port that nobody listens on. It stays ours until [`Ports::release`].
    pub fn take(&self) -> Outcome<u16> {
        let mut free = self.free.lock().unwrap();
        while let Some(port) = free.pop_first() {
            // Somebody else's server on this port: leave it out for good.
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return Ok(port);
            }
        }
        trouble("this run has used up its ports: end some clusters first")
    }

    /// Gives a port back.
    pub fn release(&self, port: u16) {
        self.free.lock().unwrap().insert(port);
    }
}
