//! Sources of scans: files, servers, and what is attached to images. Each decides what it asks and how much it
//! reads; what an answer means is `scan`'s. Politeness is `web`'s.

mod attestations;
mod bills;
mod files;
mod harbor;
mod kev;
mod key;
mod osv;
mod trivy;
mod whole;
mod xray;

use std::path::Path;
use std::sync::Arc;

use reqwest::Url;

use super::registry::Registries;
use super::web::{Web, plain};
use crate::model::ScanSource;
use crate::port::Secrets;
use crate::port::scans::{Exploits, Scans};
use crate::port::upstream::{Silence, Unanswered};
use crate::scan::vulnerabilities::Refusal;

pub use attestations::Attestations;
pub use bills::Bills;
pub use files::Files;
pub use harbor::Harbor;
pub use kev::Catalogue;
pub use key::Key;
pub use osv::Osv;
pub use trivy::TrivyServer;
pub use xray::Xray;

/// What sources share.
#[derive(Clone)]
pub struct Means<'a> {
    /// How hosts are asked.
    pub web: Arc<Web>,
    /// Where images are kept.
    pub registries: Arc<Registries>,
    /// What lets this program in.
    pub secrets: Arc<dyn Secrets>,
    /// The repository's root.
    pub root: &'a Path,
}

/// Who is asked.
pub struct Named {
    /// The sources of scans, in the order in which the file names them.
    pub sources: Vec<Arc<dyn Scans>>,
    /// The catalogue of what is exploited.
    pub exploits: Option<Arc<dyn Exploits>>,
}

/// Whom a file names.
pub fn of<'s>(scans: impl IntoIterator<Item = &'s ScanSource>, means: &Means<'_>) -> Named {
    let scans: Vec<&ScanSource> = scans.into_iter().collect();
    let folders: Vec<Arc<Files>> = scans
        .iter()
        .filter_map(|scan| match scan {
            ScanSource::Files(files) => Some(Arc::new(Files::new(means.root, &files.folder.value))),
            _ => None,
        })
        .collect();
    let bills = Arc::new(Bills::new(folders.clone(), Arc::clone(&means.registries)));
    let (mut folders, mut sources): (_, Vec<Arc<dyn Scans>>) = (folders.into_iter(), Vec::new());
    let mut exploits: Option<Arc<dyn Exploits>> = None;
    for scan in scans {
        let web = || Arc::clone(&means.web);
        let key = |node: &Option<crate::yaml::Node>| Key::of(node.as_ref(), Arc::clone(&means.secrets));
        match scan {
            ScanSource::Files(_) => sources.extend(folders.next().map(|files| files as Arc<dyn Scans>)),
            ScanSource::Trivy(server) => {
                let key = key(&server.token);
                let server = TrivyServer::new(web(), &server.address.value, key, Arc::clone(&bills));
                sources.push(Arc::new(server));
            }
            ScanSource::Xray(server) => {
                sources.push(Arc::new(Xray::new(web(), &server.address.value, key(&server.token))));
            }
            ScanSource::Harbor(harbor) => {
                let user = harbor.user.as_ref().map(|user| user.value.clone());
                let registry = harbor.registry.as_ref().map(|host| host.value.clone());
                let key = key(&harbor.password);
                sources.push(Arc::new(Harbor::new(web(), &harbor.address.value, registry, user, key)));
            }
            ScanSource::Osv(osv) => {
                let address = osv.address.as_ref().map(|address| address.value.as_str());
                sources.push(Arc::new(Osv::new(web(), address.unwrap_or(osv::HOME), Arc::clone(&bills))));
            }
            ScanSource::Attestations(_) => {
                sources.push(Arc::new(Attestations::new(Arc::clone(&bills))));
            }
            ScanSource::Kev(kev) => {
                let address = kev.address.as_ref().map(|address| address.value.as_str());
                exploits = Some(Arc::new(Catalogue::new(web(), address.unwrap_or(kev::HOME))));
            }
        }
    }
    Named { sources, exploits }
}

/// A path below an address.
fn below(address: &str, path: &str) -> Result<Url, Unanswered> {
    let text = format!("{}{path}", address.trim_end_matches('/'));
    Url::parse(&text).map_err(|error| {
        let words = format!("`{}` is no address that can be asked: {error}", plain(address));
        Unanswered::new(Silence::Invalid, words)
    })
}

/// The host of an address, with its port if it says one, as images name it.
fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// An answer that was refused: that nobody has looked is no failure of the source.
fn refused(refusal: &Refusal) -> Unanswered {
    let why = match refusal {
        Refusal::NotScanned { .. } => Silence::Missing,
        _ => Silence::Invalid,
    };
    Unanswered::new(why, refusal.to_string())
}
