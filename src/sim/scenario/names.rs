//! What a scenario names is there: clusters of its fleet, waves of its pipeline, its releases and their
//! rollouts, events that there are. Whoever waits for what never comes, or expects that it does not happen,
//! would else be told that all is well.

use std::collections::BTreeSet;

use crate::diag::{Finding, Findings, codes};
use crate::journal::Body;
use crate::model::scenario::{Deed, Expectation, Happening, Scenario, ScenarioAction};
use crate::model::{ClusterName, ReleaseId, RolloutId, WaveName};
use crate::yaml::{Node, Spanned};

use super::Options;

/// What a scenario names and does not have, each with its place.
pub fn unknown(scenario: &Scenario) -> Findings {
    let groups = super::setup(scenario, &Options::default()).map(|setup| setup.groups).unwrap_or_default();
    let mut known = Known {
        clusters: groups.iter().flat_map(|group| group.names()).collect(),
        waves: waves(&scenario.pipeline),
        releases: scenario.releases.iter().map(|release| release.value.id.value.to_string()).collect(),
        findings: Findings::new(),
    };
    let faults = scenario.faults.iter().flat_map(|fault| &fault.value.clusters);
    let conditions = scenario.conditions.iter().flat_map(|conditions| &conditions.value.clusters);
    for action in &scenario.actions {
        if let Deed::Write { path, .. } = &action.value.deed.value {
            known.rewritten(&path.value);
        }
    }
    known.clusters(faults.chain(conditions).chain(scenario.pins.iter().map(|pin| &pin.value.cluster)));
    for action in &scenario.actions {
        known.action(&action.value);
    }
    for expectation in &scenario.expect {
        known.expectation(&expectation.value);
    }
    known.findings
}

/// The names of a pipeline's waves; none where it says them in another way, which is told elsewhere.
fn waves(pipeline: &Node) -> BTreeSet<String> {
    let waves = pipeline.as_mapping().and_then(|pipeline| pipeline.get("waves"));
    let waves = waves.and_then(Node::as_sequence).into_iter().flatten();
    let name = |wave: &Node| wave.as_mapping()?.get("name")?.as_str().map(str::to_owned);
    waves.filter_map(name).collect()
}

/// What there is, and what was missed.
struct Known {
    clusters: BTreeSet<String>,
    waves: BTreeSet<String>,
    releases: BTreeSet<String>,
    findings: Findings,
}

impl Known {
    fn clusters<'s>(&mut self, named: impl IntoIterator<Item = &'s Spanned<ClusterName>>) {
        for name in named {
            missing(&mut self.findings, "cluster", name, name.value.as_str(), &self.clusters);
        }
    }

    fn wave(&mut self, name: &Spanned<WaveName>) {
        missing(&mut self.findings, "wave", name, name.value.as_str(), &self.waves);
    }

    fn release(&mut self, id: &Spanned<ReleaseId>) {
        missing(&mut self.findings, "release", id, id.value.as_str(), &self.releases);
    }

    /// A rollout: `R42-1` is the first one of release R42.
    fn rollout(&mut self, id: &Spanned<RolloutId>) {
        let release = id.value.as_str().rsplit_once('-').map_or("", |(release, _)| release);
        if !self.releases.contains(release) {
            let message = format!("no release of this scenario has a rollout `{}`", id.value);
            let known: Vec<String> = self.releases.iter().map(|release| format!("{release}-1")).collect();
            self.findings.push(
                Finding::error(&codes::NO_SUCH_THING, message)
                    .at(&id.place)
                    .did_you_mean(id.value.as_str(), known.iter().map(String::as_str)),
            );
        }
    }

    fn happening(&mut self, happening: &Happening) {
        let event = &happening.event;
        if !Body::is_called(&event.value) {
            let message = format!("there is no event `{}`", event.value);
            let finding = Finding::error(&codes::NO_SUCH_THING, message).at(&event.place);
            self.findings.push(finding.hint("docs/events.md lists them, such as `wave.soaked`"));
        }
        happening.rollout.iter().for_each(|rollout| self.rollout(rollout));
        happening.wave.iter().for_each(|wave| self.wave(wave));
        self.clusters(&happening.cluster);
    }

    /// A file that somebody writes may have other names from then on.
    fn rewritten(&mut self, path: &str) {
        match path.split('/').next() {
            Some("pipelines") => self.waves.clear(),
            Some("products" | "releases") => {}
            _ => self.clusters.clear(),
        }
    }

    fn action(&mut self, action: &ScenarioAction) {
        if let Some(on) = &action.on {
            self.happening(&on.value);
        }
        // It may be meant to be refused, since that is not there.
        if action.may_be_refused {
            return;
        }
        match &action.deed.value {
            Deed::Start { release } => self.release(release),
            Deed::Approve { rollout, wave } => {
                rollout.iter().for_each(|rollout| self.rollout(rollout));
                self.wave(wave);
            }
            Deed::Pause { rollout }
            | Deed::Resume { rollout, .. }
            | Deed::Abort { rollout }
            | Deed::Rollback { rollout } => rollout.iter().for_each(|rollout| self.rollout(rollout)),
            Deed::Retry { rollout, clusters, .. } | Deed::Skip { rollout, clusters } => {
                rollout.iter().for_each(|rollout| self.rollout(rollout));
                self.clusters(clusters);
            }
            Deed::Hold { cluster } | Deed::Release { cluster } => self.clusters([cluster]),
            Deed::Change { conditions } => {
                self.clusters(conditions.iter().flat_map(|conditions| &conditions.value.clusters));
            }
            Deed::Script { clusters, .. } | Deed::Join { clusters } | Deed::Leave { clusters } => {
                self.clusters(clusters);
            }
            Deed::StopTheLine {}
            | Deed::StartTheLine {}
            | Deed::Write { .. }
            | Deed::Calm {}
            | Deed::Kill {}
            | Deed::Disk { .. }
            | Deed::Clock { .. } => {}
        }
    }

    fn expectation(&mut self, expectation: &Expectation) {
        if let Some(rollout) = &expectation.rollout {
            self.rollout(&rollout.value.id);
        }
        if let Some(clusters) = &expectation.clusters {
            self.clusters(&clusters.value.names);
        }
        if let Some(events) = &expectation.events {
            self.happening(&events.value.of.value);
        }
        if let Some(attempts) = &expectation.attempts {
            self.rollout(&attempts.value.id);
            self.clusters(&attempts.value.clusters);
        }
        if let Some(wait) = &expectation.waits {
            self.rollout(&wait.value.id);
            wait.value.wave.iter().for_each(|wave| self.wave(wave));
            self.clusters(&wait.value.cluster);
        }
    }
}

fn missing<T>(findings: &mut Findings, what: &str, named: &Spanned<T>, name: &str, known: &BTreeSet<String>) {
    // Where none is known, something else is wrong, and told.
    if known.is_empty() || known.contains(name) {
        return;
    }
    let message = format!("this scenario has no {what} `{name}`");
    let finding = Finding::error(&codes::NO_SUCH_THING, message).at(&named.place);
    findings.push(finding.did_you_mean(name, known.iter().map(String::as_str)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "apiVersion: tidegate.dev/v1
kind: Scenario
metadata: { name: names }
spec:
  fleet: [{ name: prod, clusters: 12, labels: { env: prod } }]
  pipeline: { waves: [{ name: prod, selector: { env: prod } }] }
  releases: [{ id: R1 }, { id: R2 }]
  installed: R1
  faults: [{ what: refused, clusters: [prod-02] }]
  actions:
    - { do: { start: { release: R2 } } }
    - { on: { event: wave.done, rollout: R2-1, wave: prod }, do: { hold: { cluster: prod-12 } } }
  expect:
    - rollout: { id: R2-1, state: succeeded }
    - events: { of: { event: rollout.halted, cluster: prod-01 }, atMost: 0 }
";

    fn told(text: &str) -> String {
        let file = super::super::read("names.yaml", text.as_bytes()).unwrap();
        unknown(&file.spec).to_string()
    }

    #[test]
    fn what_a_scenario_names_and_does_not_have_is_told_with_its_place() {
        assert_eq!(told(STORY), "");
        for (is, was, says) in [
            ("[prod-2]", "[prod-02]", "this scenario has no cluster `prod-2`"),
            ("cluster: prod-13 ", "cluster: prod-12 ", "this scenario has no cluster `prod-13`"),
            ("wave: prd ", "wave: prod ", "this scenario has no wave `prd`"),
            ("release: R3 ", "release: R2 ", "this scenario has no release `R3`"),
            ("id: R3-1", "id: R2-1", "no release of this scenario has a rollout `R3-1`"),
            ("event: rollout.haltd", "event: rollout.halted", "there is no event `rollout.haltd`"),
        ] {
            assert!(STORY.contains(was), "{was}");
            let told = told(&STORY.replace(was, is));
            assert!(told.contains(says) && told.contains("names.yaml:"), "{told}");
        }
        // What may be refused may be meant to be; and a pipeline that is written anew has waves of its own.
        let refused = "actions:\n    - { mayBeRefused: true, do: { leave: { clusters: [prod-99] } } }";
        assert_eq!(told(&STORY.replace("actions:", refused)), "");
        let anew = "actions:\n    - { do: { write: { path: pipelines/main.yaml, text: x } } }";
        assert_eq!(told(&STORY.replace("actions:", anew).replace("wave: prod ", "wave: other ")), "");
    }
}
