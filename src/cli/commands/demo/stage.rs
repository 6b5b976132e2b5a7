//! The stage of a demo: its folder with repository and journal, its simulated fleet, and what is typed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;

use super::names::Names;
use super::stories::{Change, Step, told};
use crate::adapter::face;
use crate::adapter::git::GitCli;
use crate::adapter::git_commits::GitCommits;
use crate::adapter::packages::GitPackages;
use crate::adapter::sqlite::SqliteJournal;
use crate::adapter::temporary::Folder;
use crate::adapter::working::WorkingTree;
use crate::cli::args::{Args, Demo, Globals};
use crate::cli::commands::{Context, dispatch};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::place::{Place, Simulated};
use crate::cli::signals::Signals;
use crate::diag::{Finding, codes, count};
use crate::engine::repo::Repository;
use crate::model::Actor;
use crate::model::scenario::ScenarioFile;
use crate::output::exit::Code;
use crate::output::mark::Tone;
use crate::output::table::wrap;
use crate::output::{ProgressMode, Surface};
use crate::port::{Clock as _, ClockFace, Commits, Fault, Git, Journal, Packages, Trees};
use crate::sim::life::Life;
use crate::sim::runtime::Pace;
use crate::sim::scenario::{self, Options};
use crate::sim::steady::{self, Steady};
use crate::sim::{Keeps, Simulation};

/// What a demo is played with.
pub struct Stage {
    /// What was asked for.
    pub args: Demo,
    /// The flags of every command.
    pub globals: Globals,
    /// Where it is told.
    pub surface: Arc<Surface>,
    /// What signals ask for.
    pub signals: Signals,
    /// Holds the simulation back.
    pub pace: Pace,
    /// A runtime whose clock is the real one.
    pub real: tokio::runtime::Handle,
}

/// The journal's file, as every process of the simulation has it.
struct Shared(Arc<dyn Journal>);

impl Keeps for Shared {
    fn of(&self, _: Life) -> Arc<dyn Journal> {
        Arc::clone(&self.0)
    }
}

/// What a played story needs.
struct Scene {
    simulation: Simulation,
    globals: Globals,
    simulated: Simulated,
    names: Names,
}

fn outside(fault: &Fault) -> Failure {
    Failure::outside("the demo can't begin", fault)
}

fn disk(error: &std::io::Error) -> Failure {
    outside(&Fault::permanent(error.to_string()))
}

impl Stage {
    /// Plays the story.
    pub async fn play(self) -> Outcome {
        let folder = Folder::new("demo").map_err(|error| disk(&error))?;
        let repository = folder.path().join("platform");
        let journal = folder.path().join("journal.db");
        std::fs::create_dir(&repository).map_err(|error| disk(&error))?;
        // Commands of the story name files as people do, from where they are.
        std::env::set_current_dir(&repository).map_err(|error| disk(&error))?;
        let mut stop = self.signals.gentle();
        let scene = tokio::select! {
            biased;
            _ = stop.changed() => return Ok(self.stopped()),
            scene = self.scene(&repository, &journal) => scene?,
        };
        let showing = self.show_clock(&scene, &journal);
        let telling = self.tell(&scene, folder.path());
        tokio::select! {
            biased;
            outcome = telling => outcome,
            never = showing => never,
        }
    }

    /// Whether people are talked to; programs get events alone.
    fn talks(&self) -> bool {
        !matches!(self.surface.progress(), ProgressMode::Json | ProgressMode::None)
    }

    /// A port of the real world, as the simulation uses it.
    fn steady<P: ?Sized>(&self, port: Arc<P>) -> Arc<Steady<P>> {
        Steady::new(port, self.real.clone(), self.pace.clone())
    }

    /// A text as lines that fit the terminal, broken between words.
    fn lines(&self, text: &str) -> Vec<String> {
        match self.surface.look(jiff::Timestamp::now()).width {
            Some(width) => wrap(text, usize::from(width)),
            None => vec![text.to_owned()],
        }
    }

    fn say(&self, text: &str) {
        if self.talks() {
            let lines = self.lines(text).into_iter().map(|line| Tone::Busy.paint(&line));
            self.surface.talk(&format!("\n{}", lines.collect::<Vec<_>>().join("\n")));
        }
    }

    fn stopped(&self) -> Vec<Code> {
        self.say("stopped: nothing is left behind, and there is nothing to go on with");
        vec![Code::Interrupted]
    }

    /// The story, with the clusters' names as they are with so many of them.
    fn story(&self) -> Result<(ScenarioFile, Names), Failure> {
        let story = told(self.args.scenario);
        let read = |text: &str| scenario::read(story.name, text.as_bytes()).map_err(Failure::invalid);
        let file = read(story.scenario)?;
        let Some(clusters) = self.args.clusters else { return Ok((file, Names::default())) };
        let names = Names::scaled(&file.spec, clusters);
        let mut file = read(&names.told(story.scenario))?;
        names.size(&mut file.spec);
        Ok((file, names))
    }

    /// The world of the story at its beginning.
    async fn scene(&self, repository: &Path, journal: &Path) -> Result<Scene, Failure> {
        let (file, names) = self.story()?;
        let options = Options { seed: Some(self.args.seed), ..Options::default() };
        let setup = scenario::setup(&file.spec, &options).map_err(|error| begins(&error))?;
        let mut simulation = setup.simulation().map_err(|fault| outside(&fault))?;
        let git = Arc::new(GitCli::at(repository));
        let clock: Arc<dyn crate::port::Clock> = Arc::new(simulation.clock.clone());
        let commits = steady::held(&self.real, GitCommits::begin(Arc::clone(&git), clock, &setup.person));
        let commits: Arc<dyn Commits> = Arc::new(commits.map_err(|fault| outside(&fault))?);
        let actor = Actor(format!("person:{}", setup.person));
        let kept = SqliteJournal::open_as(journal, setup.journal_id(), setup.starts, &actor);
        let kept: Arc<dyn Journal> = Arc::new(kept.map_err(|fault| outside(&fault))?);
        simulation.journal = Arc::new(Shared(self.steady(kept)));
        let packages: Arc<dyn Packages> = Arc::new(GitPackages::new(Arc::clone(&git) as _));
        simulation.repository = Repository {
            trees: self.steady::<dyn Trees>(Arc::new(WorkingTree::of(&git))),
            packages: self.steady(packages),
            git: self.steady::<dyn Git>(git),
        };
        simulation.commits = self.steady(commits);
        simulation.memory = None;
        for (path, file) in setup.tree().iter() {
            let text = String::from_utf8_lossy(&file.bytes);
            simulation.repository.trees.write(path, &text).await.map_err(|fault| outside(&fault))?;
        }
        simulation.commits.commit("fleet and pipeline").await.map_err(|fault| outside(&fault))?;
        if self.talks() {
            let all = setup.groups.iter().map(|group| group.clusters).sum::<usize>();
            self.surface
                .talk(&format!("A simulated fleet of {} gets its first release ...", count(all, "cluster")));
        }
        let process = simulation.process(Life::new());
        let mut desk = scenario::desk(scenario::PERSON, &simulation, &process);
        self.pace.set(None);
        scenario::begin(&file.spec, &simulation, &mut desk).await.map_err(|error| begins(&error))?;
        if let (true, Some(text)) = (self.talks(), &file.spec.story) {
            self.surface.talk(&format!("\n{}", self.lines(text.trim()).join("\n")));
        }
        let globals = Globals { journal: Some(journal.to_owned()), repo: None, ..self.globals.clone() };
        let simulated = Simulated {
            ports: process.world,
            pace: self.pace.clone(),
            speed: self.args.speed,
            real: self.real.clone(),
            face: Arc::new(Mutex::new(self.face(&simulation))),
        };
        Ok(Scene { simulation, globals, simulated, names })
    }

    fn face(&self, simulation: &Simulation) -> ClockFace {
        ClockFace {
            shows: simulation.clock.now(),
            at: jiff::Timestamp::now(),
            speed: self.pace.speed().unwrap_or(1.0),
        }
    }

    /// Keeps the clock's face beside the journal, for who asks from a second terminal.
    async fn show_clock(&self, scene: &Scene, journal: &Path) -> Outcome {
        let place = face::place(journal);
        loop {
            let shown = self.face(&scene.simulation);
            *scene.simulated.face.lock().unwrap_or_else(PoisonError::into_inner) = shown;
            if let Ok(text) = serde_json::to_vec(&shown) {
                // Whoever finds none sees by the real clock: never half of one, nor none for a moment.
                let next = place.with_extension("clock-next");
                let _ = std::fs::write(&next, text).and_then(|()| std::fs::rename(&next, &place));
            }
            tokio::select! {
                biased;
                () = self.pace.changed() => {}
                () = tokio::time::sleep(self.pace.moment()) => {}
            }
        }
    }

    async fn tell(&self, scene: &Scene, folder: &Path) -> Outcome {
        let place = folder.display();
        if self.talks() && self.surface.asks_a_person() && !self.globals.yes {
            self.surface.talk(&format!(
                "\nA second terminal can look on, and say yes, with:\n  cd {place}/platform && export TIDEGATE_JOURNAL={place}/journal.db"
            ));
        }
        for step in told(self.args.scenario).steps {
            match step {
                Step::Say(text) => self.say(&scene.names.told(text)),
                Step::Type(command) => self.type_in(&scene.names.told(command), scene).await?,
                Step::Ask(command, event) => self.ask(&scene.names.told(command), event, scene).await?,
                Step::World(Change::Mended) => scenario::mend(&scene.simulation),
            }
            if self.signals.asked() {
                return Ok(self.stopped());
            }
        }
        self.say(
            "That was all, and nothing of it is left behind. `tidegate demo --help` names other stories",
        );
        Ok(vec![Code::Done])
    }

    /// Types a command, and waits for its end. What it ends with is part of the story.
    async fn type_in(&self, command: &str, scene: &Scene) -> Result<(), Failure> {
        if self.talks() {
            self.surface.talk(&format!("$ tidegate {command}"));
        }
        let words = std::iter::once("tidegate").chain(command.split_whitespace());
        let args = match Args::try_parse_from(words) {
            Ok(args) => args,
            Err(wrong) => {
                self.surface.talk(&wrong.to_string());
                return Ok(());
            }
        };
        let globals = Globals { yes: scene.globals.yes || args.globals.yes, ..scene.globals.clone() };
        let place = Place::simulated(&globals, scene.simulated.clone());
        let context = Context { place, surface: &self.surface, signals: &self.signals };
        let outcome = dispatch(args.command, &context).await;
        match outcome {
            Ok(_) => Ok(()),
            Err(failure) if failure.exit == Code::Unexpected => Err(failure),
            Err(failure) => {
                self.surface.findings(&failure.findings);
                Ok(())
            }
        }
    }

    /// Asks somebody to type a command, here or in a second terminal, until somebody did what it is for. In
    /// between anything else may be typed.
    async fn ask(&self, command: &str, event: &str, scene: &Scene) -> Result<(), Failure> {
        if self.globals.yes || !self.surface.asks_a_person() || !self.talks() {
            self.say("Here it stops for a person. Nobody is asked, so the demo types it");
            return self.type_in(command, scene).await;
        }
        let journal = &scene.simulated.ports.journal;
        let (mut read, _) = journal.head().await.map_err(|fault| outside(&fault))?;
        loop {
            // A second terminal records what is decided; what asks clusters is for this one.
            let elsewhere = if event == "rollout.planned" { "" } else { ", or in a second terminal" };
            self.say(&format!("Type it here{elsewhere}, or press Enter to have it typed for you"));
            self.surface.talk(&format!("  tidegate {command}"));
            let Some(line) = self.line_unless(event, &mut read, journal).await? else { return Ok(()) };
            let line = line.trim();
            let said = line.strip_prefix("tidegate ").unwrap_or(line);
            self.type_in(if said.is_empty() { command } else { said }, scene).await?;
            if said.is_empty() || self.signals.asked() || happened(event, &mut read, journal).await? {
                return Ok(());
            }
        }
    }

    /// What is typed here, at the speed of people's own clock; nothing if it happened elsewhere meanwhile, or
    /// if somebody wants to stop.
    async fn line_unless(
        &self,
        event: &str,
        read: &mut u64,
        journal: &Arc<dyn Journal>,
    ) -> Result<Option<String>, Failure> {
        let mut stop = self.signals.gentle();
        let mut line = self.surface.typed();
        let _patience = self.pace.hold_back(1.0);
        loop {
            tokio::select! {
                biased;
                line = &mut line => return Ok(Some(line.unwrap_or_default())),
                waited = journal.wait(*read, Duration::from_secs(24 * 3_600)) => {
                    waited.map_err(|fault| outside(&fault))?;
                    if happened(event, read, journal).await? {
                        self.say("somebody did, in another terminal");
                        return Ok(None);
                    }
                }
                _ = stop.changed() => return Ok(None),
            }
        }
    }
}

/// What else decides how a story goes on.
const OTHERWISE: [&str; 5] =
    ["gate.overridden", "rollout.abort", "rollout.finished", "rollout.planned", "rollout.superseded"];

/// Whether an event of this name was recorded since, or it was decided otherwise: then it is needed no more.
async fn happened(event: &str, read: &mut u64, journal: &Arc<dyn Journal>) -> Result<bool, Failure> {
    let events = journal.read(*read, usize::MAX).await.map_err(|fault| outside(&fault))?;
    *read = events.last().map_or(*read, |last| last.seq);
    Ok(events.iter().any(|is| is.body.name() == event || OTHERWISE.contains(&is.body.name())))
}

fn begins(error: &crate::sim::desk::DeskError) -> Failure {
    Failure::new(
        Code::Unexpected,
        Finding::error(&codes::UNEXPECTED, format!("the demo can't begin: {error}")),
    )
}
