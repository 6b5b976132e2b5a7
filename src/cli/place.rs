//! Where the command works: the repository, the journal's file, and who asks. Looked up only as far
//! as a command needs it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use etcetera::BaseStrategy;

use super::args::Globals;
use super::crash;
use super::failure::Failure;
use crate::adapter::clock::SystemClock;
use crate::adapter::clusters::KubeconfigClusters;
use crate::adapter::exec::LocalScripts;
use crate::adapter::face::FileClock;
use crate::adapter::git::GitCli;
use crate::adapter::helm::HelmCli;
use crate::adapter::host::LocalHost;
use crate::adapter::packages::GitPackages;
use crate::adapter::prometheus::Prometheus;
use crate::adapter::secrets::LocalSecrets;
use crate::adapter::signatures::SshKeygen;
use crate::adapter::sources;
use crate::adapter::sqlite::SqliteJournal;
use crate::adapter::working::WorkingTree;
use crate::diag::{Finding, codes};
use crate::digest;
use crate::engine::repo::Repository;
use crate::engine::whereabouts::{Relation, Whereabouts};
use crate::engine::{Follower, Times, World};
use crate::model::{Actor, ClusterEntry, Duration, Source};
use crate::output::exit::Code;
use crate::output::progress::Now as Shown;
use crate::port::{Clock, ClockFace, Clusters, DriverLease, Git, Host, Journal, Packages, Renderer, Trees};
use crate::report::explanation::Driving;
use crate::sim::runtime::{HeldBack, Pace};
use crate::sim::steady::{self, Steady};

/// How many hexadecimal digits of a repository's identity name its state folder.
const IDENTITY: usize = 16;

/// Where a command works.
pub struct Place {
    globals: Globals,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// This host.
    pub host: Arc<dyn Host>,
    /// What stands in for the real world, in a demo.
    simulated: Option<Simulated>,
    /// Whether the clusters live in another process: a demo's.
    elsewhere: bool,
}

/// What stands in for the real world: clusters, clocks and hosts of a simulation. Its repository and its
/// journal are real.
#[derive(Clone)]
pub struct Simulated {
    /// The process that commands run in.
    pub ports: World,
    /// Holds the simulation back.
    pub pace: Pace,
    /// How many of its seconds pass in one of people's while somebody drives.
    pub speed: f64,
    /// A runtime whose clock is the real one.
    pub real: tokio::runtime::Handle,
    /// The simulation's clock, as other threads see it.
    pub face: Arc<Mutex<ClockFace>>,
}

/// A journal, read to its end.
pub struct OpenJournal {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub follower: Follower,
}

impl Place {
    /// As the flags say.
    pub fn new(globals: &Globals) -> Self {
        // A simulation keeps its clock beside its journal; what is asked there is asked at its time.
        let beside = globals.journal.as_deref().and_then(FileClock::beside);
        let elsewhere = beside.is_some();
        let clock: Arc<dyn Clock> = match beside {
            Some(clock) => Arc::new(clock),
            None => Arc::new(SystemClock),
        };
        let host = Arc::new(LocalHost::new());
        Self { globals: globals.clone(), clock, host, simulated: None, elsewhere }
    }

    /// As the flags say, in a simulation.
    pub fn simulated(globals: &Globals, simulated: Simulated) -> Self {
        Self {
            globals: globals.clone(),
            clock: Arc::clone(&simulated.ports.clock),
            host: Arc::clone(&simulated.ports.host),
            simulated: Some(simulated),
            elsewhere: false,
        }
    }

    /// That clusters can be asked from here.
    ///
    /// # Errors
    /// When they live in another process.
    pub fn asks_clusters(&self) -> Result<(), Failure> {
        if !self.elsewhere {
            return Ok(());
        }
        let why = "these clusters live in the process of a demo, and only it can ask them";
        let finding = Finding::error(&codes::CLUSTERS_ELSEWHERE, why).hint(
            "type it in the terminal of the demo; what is decided here is recorded, and followed there",
        );
        Err(Failure::new(Code::Conflict, finding))
    }

    /// The flags.
    pub fn globals(&self) -> &Globals {
        &self.globals
    }

    /// Now, by the wall clock.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Now, for who asks from any thread; a simulation's own clock is for its own thread.
    pub fn shown(&self) -> Shown {
        match &self.simulated {
            Some(Simulated { face, .. }) => {
                let face = Arc::clone(face);
                Arc::new(move || {
                    let face = *face.lock().unwrap_or_else(PoisonError::into_inner);
                    face.seen(jiff::Timestamp::now())
                })
            }
            None => {
                let clock = Arc::clone(&self.clock);
                Arc::new(move || clock.now())
            }
        }
    }

    /// When waiting ends, by `--wait-timeout`.
    pub fn deadline(&self) -> Option<std::time::Instant> {
        self.globals.wait_timeout.map(|length| std::time::Instant::now() + length.std())
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        etcetera::home_dir().ok()
    }

    /// The repository that `--repo` or the current folder lies in.
    ///
    /// # Errors
    /// When there is none.
    pub async fn repository(&self) -> Result<Arc<GitCli>, Failure> {
        let folder = self.globals.repo.clone().unwrap_or_else(|| PathBuf::from("."));
        self.held(GitCli::discover(&folder)).await.map(Arc::new).map_err(|fault| {
            let finding = Finding::error(&codes::NO_REPOSITORY, fault.message)
                .hint("name it with --repo or TIDEGATE_REPO, or make one with `git init`");
            Failure::new(Code::Invalid, finding)
        })
    }

    /// The journal's file: `--journal`, else one per repository in the user's state folder.
    ///
    /// # Errors
    /// When no place is named and none can be found.
    pub async fn journal_path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.globals.journal {
            return Ok(path.clone());
        }
        let git = self.repository().await?;
        let first = git.first_commit().await.map_err(|fault| {
            let mut failure =
                Failure::outside("the journal is found by the repository's first commit", &fault);
            if fault.message.ends_with("no commit yet") {
                let next = |finding: Finding| finding.next("git add --all && git commit");
                failure.findings = failure.findings.into_iter().map(next).collect();
            }
            failure
        })?;
        let Some(state) = state_folder() else {
            let finding = Finding::error(&codes::NO_STATE_FOLDER, "you have no home folder")
                .next("tidegate --journal FILE ...");
            return Err(Failure::new(Code::Invalid, finding));
        };
        let name: String = digest::bytes(first.as_bytes()).hex().chars().take(IDENTITY).collect();
        Ok(state.join("tidegate").join(name).join("journal.db"))
    }

    /// Opens the journal, and makes it if there is none.
    ///
    /// # Errors
    /// When it can't be opened or read.
    pub async fn journal(&self) -> Result<OpenJournal, Failure> {
        let path = self.journal_path().await?;
        self.open(path).await
    }

    /// Opens the journal if there is one; only looking makes none.
    ///
    /// # Errors
    /// When it can't be opened or read.
    pub async fn existing_journal(&self) -> Result<Option<OpenJournal>, Failure> {
        let path = self.journal_path().await?;
        if path.exists() { self.open(path).await.map(Some) } else { Ok(None) }
    }

    async fn open(&self, path: PathBuf) -> Result<OpenJournal, Failure> {
        let journal = self.open_unread(&path).await?;
        let mut follower = Follower::new(Arc::clone(&journal));
        follower
            .catch_up(|event, _| crash::position(event.seq))
            .await
            .map_err(|fault| Failure::journal(&path, &fault))?;
        Ok(OpenJournal { journal, path, follower })
    }

    /// Opens the journal without reading it.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn open_unread(&self, path: &Path) -> Result<Arc<dyn Journal>, Failure> {
        crash::journal(path);
        let (at, actor, file) = (self.now(), self.actor().await, path.to_owned());
        let opened = tokio::task::spawn_blocking(move || SqliteJournal::open(file, at, &actor)).await;
        match opened {
            Ok(Ok(journal)) => Ok(self.steady(Arc::new(journal))),
            Ok(Err(fault)) => Err(Failure::journal(path, &fault)),
            // It panicked, and the hook has told.
            Err(error) => Err(Failure::new(
                Code::Unexpected,
                Finding::error(&codes::UNEXPECTED, format!("opening the journal ended: {error}")),
            )),
        }
    }

    /// While somebody drives, people look on: a simulation goes no faster than was asked for. Between, what
    /// takes its time in the real world takes none in the simulation.
    pub fn hurry(&self) -> Option<HeldBack> {
        self.simulated.as_ref().map(|simulated| simulated.pace.hold_back(simulated.speed))
    }

    /// While a person is asked, a simulation goes as life does.
    pub fn patience(&self) -> Option<HeldBack> {
        self.simulated.as_ref().map(|simulated| simulated.pace.hold_back(1.0))
    }

    /// What the real world does while a simulation stands still; just that where there is none.
    async fn held<T: Send>(&self, call: impl Future<Output = T> + Send) -> T {
        match &self.simulated {
            Some(simulated) => steady::held(&simulated.real, call),
            None => call.await,
        }
    }

    /// A journal as it is used here.
    fn steady(&self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        match &self.simulated {
            Some(simulated) => Steady::new(journal, simulated.real.clone(), simulated.pace.clone()),
            None => journal,
        }
    }

    /// The ports of commands on the repository's files.
    ///
    /// # Errors
    /// When there is no repository.
    pub async fn files(&self) -> Result<Repository, Failure> {
        let git = self.repository().await?;
        let packages: Arc<dyn Packages> = Arc::new(GitPackages::new(Arc::clone(&git) as _));
        let trees: Arc<dyn Trees> = Arc::new(WorkingTree::of(&git));
        let git: Arc<dyn Git> = git;
        Ok(match &self.simulated {
            None => Repository { packages, trees, git },
            Some(Simulated { pace, real, .. }) => Repository {
                packages: Steady::new(packages, real.clone(), pace.clone()),
                trees: Steady::new(trees, real.clone(), pace.clone()),
                git: Steady::new(git, real.clone(), pace.clone()),
            },
        })
    }

    /// The clusters that a source lists.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn members(&self, source: &Source) -> Result<Vec<ClusterEntry>, Failure> {
        let git = self.repository().await?;
        sources::clusters(source, git.root(), self.home().as_deref())
            .await
            .map_err(|fault| Failure::outside("the fleet's source can't be read", &fault))
    }

    /// Connections to clusters, for who needs nothing else.
    pub fn clusters(&self, git: &GitCli) -> Arc<dyn Clusters> {
        match &self.simulated {
            Some(simulated) => Arc::clone(&simulated.ports.clusters),
            None => Arc::new(KubeconfigClusters::new(git.root(), self.home())),
        }
    }

    /// What renders charts.
    pub fn renderer(&self) -> Arc<dyn Renderer> {
        match &self.simulated {
            Some(simulated) => Arc::clone(&simulated.ports.renderer),
            None => Arc::new(HelmCli::find()),
        }
    }

    /// Every port, over the real world.
    pub fn world(&self, git: &Arc<GitCli>, open: &OpenJournal) -> World {
        if let Some(Simulated { ports, pace, real, .. }) = &self.simulated {
            let steady =
                |git: &Arc<GitCli>| Steady::<dyn Git>::new(Arc::clone(git) as _, real.clone(), pace.clone());
            let packages: Arc<dyn Packages> = Arc::new(GitPackages::new(Arc::clone(git) as _));
            return World {
                git: steady(git),
                packages: Steady::new(packages, real.clone(), pace.clone()),
                journal: Arc::clone(&open.journal),
                ..ports.clone()
            };
        }
        let root = git.root();
        World {
            clock: Arc::clone(&self.clock) as _,
            host: Arc::clone(&self.host) as _,
            clusters: self.clusters(git),
            renderer: Arc::new(HelmCli::find()),
            scripts: Arc::new(LocalScripts::new()),
            secrets: Arc::new(LocalSecrets::new(root, self.home())),
            metrics: Arc::new(Prometheus),
            signatures: Arc::new(SshKeygen),
            packages: Arc::new(GitPackages::new(Arc::clone(git) as _)),
            git: Arc::clone(git) as _,
            journal: Arc::clone(&open.journal),
        }
    }

    /// The times that the engine keeps to, as the environment says (docs/commands.md).
    ///
    /// # Errors
    /// When a variable is no length of time, or a lease would end before a request that is made
    /// under it: nothing could ever be written then.
    pub fn times(&self) -> Result<Times, Failure> {
        let usual = Times::default();
        let times = Times {
            lease: time("TIDEGATE_LEASE", usual.lease)?,
            request: time("TIDEGATE_REQUEST_TIMEOUT", usual.request)?,
            reach: time("TIDEGATE_REACH_TIMEOUT", usual.reach)?,
            verify: time("TIDEGATE_VERIFY_TIMEOUT", usual.verify)?,
            ..usual
        };
        // It is renewed every third of its length: so much of it is always left for a request.
        if times.request * 3 >= times.lease * 2 {
            let message = format!(
                "a lease of {} s leaves no time for a request of {} s",
                times.lease.as_secs(),
                times.request.as_secs()
            );
            let finding = Finding::error(&codes::CONTRADICTION, message).hint(
                "a lease is at least twice as long as a request: TIDEGATE_LEASE, TIDEGATE_REQUEST_TIMEOUT",
            );
            return Err(Failure::new(Code::Usage, finding));
        }
        Ok(times)
    }

    /// Who asks: git's `user.email`, else the login name.
    pub async fn actor(&self) -> Actor {
        let configured = match self.repository().await {
            Ok(git) => self.held(git.identity()).await.ok().flatten(),
            Err(_) => None,
        };
        let login = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        let name = configured.or_else(login).filter(|name| !name.is_empty());
        let number = || format!("uid-{}", rustix::process::getuid().as_raw());
        Actor(format!("person:{}", name.unwrap_or_else(number)))
    }

    /// Who drives a journal, if anybody.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn driver(&self, open: &OpenJournal) -> Result<Option<Driving>, Failure> {
        let lease = open.journal.driver().await.map_err(|fault| Failure::journal(&open.path, &fault))?;
        Ok(lease.map(|lease| self.driving(&lease)))
    }

    /// A lease as people see it. Its holder is dead when this host can prove it, or when the lease
    /// ran out.
    fn driving(&self, lease: &DriverLease) -> Driving {
        let alive = match Whereabouts::of_lease(lease).seen_from(&self.host.this()) {
            Relation::Here => self.host.lives(lease.pid, lease.start_ticks),
            Relation::Gone => false,
            Relation::Elsewhere => lease.until > self.now(),
        };
        Driving { process: lease.process.clone(), fence: lease.fence, until: lease.until, alive }
    }
}

/// A length of time that the environment may set.
fn time(variable: &str, usual: std::time::Duration) -> Result<std::time::Duration, Failure> {
    let Some(text) = std::env::var_os(variable) else { return Ok(usual) };
    let text = text.to_string_lossy();
    match text.parse::<Duration>() {
        Ok(length) if !length.is_zero() => Ok(length.std()),
        _ => {
            let message = format!("{variable} is `{text}`, which is no length of time such as 30s");
            Err(Failure::new(Code::Usage, Finding::error(&codes::INVALID_VALUE, message)))
        }
    }
}

/// `$XDG_STATE_HOME`, else `~/.local/state`.
fn state_folder() -> Option<PathBuf> {
    etcetera::base_strategy::Xdg::new().ok()?.state_dir()
}
