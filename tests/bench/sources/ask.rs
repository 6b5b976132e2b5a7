//! One run over all sources, by the adapters that a report uses, or by a bare client.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use futures::future::join_all;
use rustix::time::{ClockId, clock_gettime};
use tidegate::adapter::charts::ChartRepositories;
use tidegate::adapter::forge::{self, Forges};
use tidegate::adapter::offers::KubernetesOffers;
use tidegate::adapter::registry::{self, Credentials, Registries};
use tidegate::adapter::support::EndOfLife;
use tidegate::adapter::web::{Keep, Settings, Web};
use tidegate::diag::Place;
use tidegate::engine::newer::{self, Scanners, Upstreams};
use tidegate::lcm::declared::{Declared, Item};
use tidegate::lcm::policies::Policies;
use tidegate::lcm::projects::Projects;
use tidegate::lcm::row::{ClusterSet, InUse, Running};
use tidegate::port::upstream::{Charts as _, Forge as _, Registry as _, Wanted};

use tidegate::report::weekly::{self, Fleet};

use crate::memory;
use crate::serve::{self, Addresses, IMAGES, TOOLS, WANTED};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// The tags of the images, by name alone.
    Names,
    /// The images with the digests of what is used, the charts, the tools with their releases.
    All,
    /// The whole look of a report, for a fleet of so many clusters that all run the same.
    Fleet(usize),
    /// So many questions, by a client that only asks.
    Bare(usize),
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names => f.write_str("names"),
            Self::All => f.write_str("all"),
            Self::Fleet(clusters) => write!(f, "fleet-{clusters}"),
            Self::Bare(count) => write!(f, "{count}"),
        }
    }
}

impl FromStr for Run {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "names" => Ok(Self::Names),
            "all" => Ok(Self::All),
            text => match text.strip_prefix("fleet-") {
                Some(clusters) => clusters.parse().map(Self::Fleet),
                None => text.parse().map(Self::Bare),
            },
        }
    }
}

/// What a run needed.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Figures {
    /// In seconds.
    pub took: f64,
    /// In seconds.
    pub processor: f64,
    /// In MB.
    pub memory: u64,
}

#[tokio::main]
pub async fn run(run: Run, folder: &Path, addresses: &str) {
    let addresses: Addresses = serde_json::from_str(addresses).unwrap();
    let begun = Instant::now();
    match run {
        Run::Bare(count) => bare(count, &addresses).await,
        Run::Fleet(clusters) => fleet(clusters, folder, &addresses).await,
        run => sources(run, folder, &addresses).await,
    }
    let took = begun.elapsed().as_secs_f64();
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let processor = now.tv_sec as f64 + now.tv_nsec as f64 / 1e9;
    println!("{}", serde_json::to_string(&Figures { took, processor, memory: memory::peak() }).unwrap());
}

async fn sources(run: Run, folder: &Path, addresses: &Addresses) {
    let keep = Keep { folder: folder.join("answers"), most: 256 * 1024 * 1024 };
    let web = Arc::new(Web::new(Settings { keep: Some(keep), ..Settings::default() }));
    let registries =
        Arc::new(Registries::new(Arc::clone(&web), registry::Settings::default(), Credentials::none()));
    let images = join_all((0..IMAGES).map(|number| image(run, &registries, addresses, number)));
    if matches!(run, Run::Names) {
        images.await;
        return;
    }
    let charts = ChartRepositories::new(Arc::clone(&web), Arc::clone(&registries) as _);
    let repositories = addresses.repositories.iter().enumerate();
    let repositories = join_all(repositories.map(|(number, repository)| index(&charts, repository, number)));
    let endpoints = endpoints(addresses);
    let forges = Forges::new(web, forge::Settings { endpoints, ..forge::Settings::default() });
    let tools = join_all((0..TOOLS).map(|number| tool(&forges, number)));
    futures::join!(images, repositories, tools);
}

/// What a report does with all of it: on each of the clusters runs what the files declare.
async fn fleet(clusters: usize, folder: &Path, addresses: &Addresses) {
    let keep = Keep { folder: folder.join("answers"), most: 256 * 1024 * 1024 };
    let web = Arc::new(Web::new(Settings { keep: Some(keep), ..Settings::default() }));
    let registry =
        Arc::new(Registries::new(Arc::clone(&web), registry::Settings::default(), Credentials::none()));
    let forge = Forges::new(
        Arc::clone(&web),
        forge::Settings { endpoints: endpoints(addresses), ..Default::default() },
    );
    let upstreams = Upstreams {
        charts: Arc::new(ChartRepositories::new(Arc::clone(&web), Arc::clone(&registry) as _)),
        registry,
        forge: Arc::new(forge),
        support: Arc::new(EndOfLife::new(Arc::clone(&web), format!("{}/endoflife", addresses.github))),
        offers: Arc::new(KubernetesOffers::new(web, format!("{}/channels", addresses.github), folder)),
        scanners: Scanners::default(),
    };
    let used = used(clusters, addresses);
    let looked = newer::look(&used, &Policies::default(), &Projects::default(), None, &upstreams).await;
    assert_eq!(looked.rows.len(), IMAGES + addresses.repositories.len() * WANTED + TOOLS);
    assert!(looked.answers.values().all(Result::is_ok));
    let size = Fleet { clusters, unseen: 0 };
    let report = weekly::of(&looked.rows, [], None, size, &[], jiff::Timestamp::UNIX_EPOCH);
    let on = |thing: &weekly::Thing| thing.running.iter().map(|at| at.clusters.len()).sum::<usize>();
    assert!(report.products.iter().flat_map(|product| &product.things).all(|thing| on(thing) == clusters));
}

/// What is in use: each thing in one product of its own kind, on all clusters.
fn used(clusters: usize, addresses: &Addresses) -> InUse {
    let names = (0..clusters).map(|number| format!("cluster-{number:05}").parse().unwrap());
    let all: ClusterSet = Arc::new(names.collect());
    let images = (0..IMAGES).map(|number| {
        let (host, (name, tag)) =
            (&addresses.registries[number % addresses.registries.len()], serve::image(number));
        (Item::Image(format!("{host}/{name}").parse().unwrap()), tag)
    });
    let charts = addresses.repositories.iter().enumerate().flat_map(|(number, repository)| {
        let item = move |of| Item::Chart { repository: repository.clone(), name: serve::wanted(number, of) };
        (0..WANTED).map(move |of| (item(of), "1.0.0".to_owned()))
    });
    let tools = (0..TOOLS).map(|number| {
        (Item::Tool(format!("github:{}", serve::tool(number)).parse().unwrap()), "v1.0.0".to_owned())
    });
    let declared = images.chain(charts).chain(tools).map(|(item, version)| Declared {
        product: format!("{}s", item.kind()),
        owner: "platform".to_owned(),
        item,
        version: Some(version),
        digest: None,
        place: Place::none(),
    });
    let declared: Vec<Declared> = declared.collect();
    let running = declared.iter().map(|one| Running::on(one.clone(), Arc::clone(&all))).collect();
    InUse { declared, running, ..InUse::default() }
}

/// The hosts of the forge.
fn endpoints(addresses: &Addresses) -> BTreeMap<String, String> {
    let hosts = ["github.com", "api.github.com"];
    hosts.iter().map(|host| ((*host).to_owned(), format!("{}/{host}", addresses.github))).collect()
}

async fn image(run: Run, registries: &Registries, addresses: &Addresses, number: usize) {
    let host = &addresses.registries[number % addresses.registries.len()];
    let (name, tag) = serve::image(number);
    let repository = format!("{host}/{name}").parse().unwrap();
    let wanted = if matches!(run, Run::Names) { Wanted::Names } else { Wanted::Digests };
    let tags = registries.tags(&repository, wanted).await.unwrap();
    assert!(tags.iter().any(|known| known == tag));
    if !matches!(run, Run::Names) {
        let image = format!("{host}/{name}:{tag}").parse().unwrap();
        registries.digest(&image).await.unwrap();
    }
}

async fn index(charts: &ChartRepositories, repository: &str, number: usize) {
    let wanted: Vec<String> = (0..WANTED).map(|of| serve::wanted(number, of)).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let listed = charts.versions(repository, &wanted).await.unwrap();
    assert!(
        listed.len() == WANTED && listed.values().all(|chart| !chart.as_ref().unwrap().entries.is_empty())
    );
}

async fn tool(forges: &Forges, number: usize) {
    let project = format!("github:{}", serve::tool(number)).parse().unwrap();
    let (tags, releases) = futures::join!(forges.tags(&project), forges.releases(&project));
    assert!(tags.unwrap().iter().count() > 0 && !releases.unwrap().is_empty());
}

/// Questions for nothing, spread over the registries, as many at once to each as the adapters ask.
async fn bare(count: usize, addresses: &Addresses) {
    let client = reqwest::Client::builder().tcp_nodelay(true).build().unwrap();
    let most = Settings::default().in_flight;
    let askers = addresses.registries.iter().enumerate().flat_map(|(host, address)| {
        let mine =
            count / addresses.registries.len() + usize::from(host < count % addresses.registries.len());
        (0..most).map(move |asker| (address, mine / most + usize::from(asker < mine % most)))
    });
    join_all(askers.map(async |(address, times)| {
        for _ in 0..times {
            client.get(format!("http://{address}/nothing")).send().await.unwrap().bytes().await.unwrap();
        }
    }))
    .await;
}
