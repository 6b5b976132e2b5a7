//! What programs read: every recorded shape is a draft-07 schema, and a field that vanishes or
//! changes its type fails here. New fields are legal; so are new words of an enumeration.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::output::envelope::{List, Warning};
use crate::output::exit::Code;
use crate::output::{Format, Screen, Surface};
use crate::report::explain::{About, explanations};
use crate::report::sample::Story;
use crate::report::summary;

/// A stream that remembers.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A stream whose reader went away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn printed(screen: &impl Screen, story: &Story, warnings: &[Warning], codes: &[Code]) -> Value {
    let paper = Paper::default();
    let surface = Surface::of(Format::Json, Box::new(paper.clone()), Box::new(std::io::sink()), None);
    surface.show(screen, story.now, warnings, codes.iter().copied());
    serde_json::from_str(&paper.text()).unwrap()
}

/// The recorded shape of an object: its fields with their types. `?` means that it may be null.
fn shape(fields: &[(&str, &str)]) -> Value {
    let properties: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, kind)| {
            let kinds: Vec<&str> = match kind.strip_suffix('?') {
                Some(kind) => vec![kind, "null"],
                None => vec![kind],
            };
            ((*name).to_owned(), json!({"type": kinds}))
        })
        .collect();
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object", "required": required, "properties": properties
    })
}

fn assert_shape(value: &Value, fields: &[(&str, &str)]) {
    let schema = shape(fields);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{value:#}");
}

const EXPLANATION: &[(&str, &str)] = &[
    ("gate", "string"),
    ("state", "string"),
    ("since", "string?"),
    ("evidence", "array"),
    ("unblock", "object"),
    ("subject", "object"),
];

fn halted() -> Story {
    let mut story = Story::begin();
    story.failing.insert("stage-1", "smoke test: 503 instead of 200");
    story.drive(1_000);
    story
}

fn status(story: &Story) -> StatusScreen {
    StatusScreen {
        summary: summary::rollout(&story.state, story.rollout(), story.now),
        waits: explanations(&story.state, story.rollout(), About::Rollout, None, story.now),
        driver: None,
    }
}

#[test]
fn every_document_stands_in_the_envelope() {
    let story = halted();
    let warnings = [Warning::missing("cluster acme-dev", "acme-dev can't be reached")];
    let document = printed(&status(&story), &story, &warnings, &[Code::Blocked, Code::Failed]);
    assert_shape(
        &document,
        &[
            ("apiVersion", "string"),
            ("kind", "string"),
            ("generatedAt", "string"),
            ("partial", "boolean"),
            ("warnings", "array"),
            ("exit", "object"),
            ("data", "object"),
        ],
    );
    assert_eq!(document["apiVersion"], "cli.tidegate.dev/v1");
    assert_eq!(document["kind"], "RolloutStatus");
    assert_eq!(document["partial"], true, "a source is missing");
    assert_eq!(document["exit"]["code"], 13);
    assert_eq!(
        document["exit"]["all"],
        json!([{"code": 13, "name": "failed"}, {"code": 11, "name": "blocked"}])
    );
}

#[test]
fn a_rollouts_status_keeps_its_shape() {
    let story = halted();
    let data = printed(&status(&story), &story, &[], &[Code::Done])["data"].take();
    assert_shape(
        &data,
        &[
            ("rollout", "string"),
            ("release", "string"),
            ("title", "string?"),
            ("releaseDigest", "string"),
            ("plan", "string"),
            ("estimate", "object?"),
            ("state", "string"),
            ("open", "boolean"),
            ("since", "string"),
            ("cause", "string?"),
            ("startedAt", "string"),
            ("startedBy", "string"),
            ("wave", "string?"),
            ("clusters", "object"),
            ("waves", "array"),
            ("attention", "array"),
            ("driver", "object?"),
            ("waits", "array"),
        ],
    );
    assert_shape(
        &data["waves"][1],
        &[
            ("name", "string"),
            ("digest", "string"),
            ("state", "string"),
            ("since", "string"),
            ("over", "boolean"),
            ("clusters", "object"),
            ("failureBudget", "integer"),
            ("deferredBudget", "integer"),
            ("atOnce", "integer?"),
            ("soak", "integer?"),
            ("soaksUntil", "string?"),
            ("soakLooks", "object?"),
            ("gates", "array"),
            ("tag", "object?"),
            ("testsRun", "integer"),
            ("pools", "array"),
        ],
    );
    assert_shape(
        &data["attention"][0],
        &[
            ("cluster", "string"),
            ("wave", "string"),
            ("pool", "string"),
            ("state", "string"),
            ("since", "string"),
            ("attempt", "integer"),
            ("step", "string?"),
            ("tries", "integer"),
            ("stepSince", "string?"),
            ("deadline", "string?"),
            ("clusterDeadline", "object?"),
            ("stepsDone", "integer"),
            ("steps", "integer"),
            ("cause", "string?"),
            ("flaky", "boolean"),
            ("seen", "object"),
        ],
    );
    assert_eq!(data["waves"][1]["soak"], 86_400, "durations are seconds");
}

#[test]
fn an_explanation_is_one_type_on_every_surface() {
    let story = halted();
    let rollout = story.rollout();
    let why = WhyScreen {
        rollout: rollout.id().clone(),
        state: rollout.state().word(),
        open: rollout.state().is_open(),
        since: rollout.since(),
        about: rollout.id().to_string(),
        driver: None,
        explanations: explanations(&story.state, rollout, About::Rollout, None, story.now),
    };
    let document = printed(&why, &story, &[], &[Code::Done]);
    assert_eq!(document["kind"], "RolloutExplanation");
    let found = document["data"]["explanations"].as_array().unwrap();
    assert_eq!(found.len(), 1, "the budget is spent; that nobody drives changes nothing");
    for explanation in found {
        assert_shape(explanation, EXPLANATION);
        assert_shape(
            &explanation["unblock"],
            &[("condition", "string"), ("earliest", "string?"), ("actors", "array"), ("commands", "array")],
        );
    }
    let status = printed(&status(&story), &story, &[], &[Code::Done]);
    assert_eq!(status["data"]["waits"], document["data"]["explanations"]);
}

#[test]
fn lists_carry_a_cursor_and_plans_their_waves() {
    let story = halted();
    let summary = summary::rollout(&story.state, story.rollout(), story.now);
    let list = printed(&List::whole([ListedRollout::from(summary)]), &story, &[], &[Code::Done]);
    assert_shape(&list["data"], &[("items", "array"), ("nextCursor", "string?")]);
    let plan = PlanScreen::of(&crate::report::sample::plan(), story.now);
    let plan = printed(&plan, &story, &[], &[Code::Done])["data"].take();
    assert_shape(
        &plan,
        &[
            ("release", "string"),
            ("lane", "string"),
            ("contains", "array"),
            ("blocked", "array"),
            ("digest", "string"),
            ("commit", "string"),
            ("clusters", "integer"),
            ("waves", "array"),
            ("changes", "array"),
            ("kept", "array"),
            ("stale", "array"),
            ("unknown", "array"),
            ("unassigned", "array"),
            ("oneWay", "array"),
            ("notices", "array"),
            ("file", "string?"),
        ],
    );
}

#[test]
fn events_are_lines_that_can_be_read_back() {
    let story = halted();
    let paper = Paper::default();
    let surface = Surface::of(Format::Json, Box::new(paper.clone()), Box::new(std::io::sink()), None);
    for event in &story.events {
        surface.line(event);
    }
    let text = paper.text();
    let read: Vec<crate::journal::Event> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(read, story.events);
    assert!(read.windows(2).all(|pair| pair[0].seq < pair[1].seq));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let surface = Surface::of(Format::Table, Box::new(Closed), Box::new(std::io::sink()), None);
    assert!(!surface.reader_is_gone());
    surface.data("one line\n");
    assert!(surface.reader_is_gone());
    assert!(surface.unwritten().is_none());
}

#[test]
fn what_can_t_be_written_is_known_by_its_first_cause() {
    /// A disk that is full, and then gone.
    struct Full(bool);
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            let kind = if self.0 { std::io::ErrorKind::Other } else { std::io::ErrorKind::StorageFull };
            self.0 = true;
            Err(kind.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let surface = Surface::of(Format::Table, Box::new(Full(false)), Box::new(std::io::sink()), None);
    assert!(surface.unwritten().is_none());
    surface.data("one line\n");
    surface.data("another\n");
    assert!(surface.reader_is_gone(), "a stream to it ends");
    assert_eq!(surface.unwritten().unwrap().kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn text_for_people_ends_with_the_next_command_on_the_other_stream() {
    let story = halted();
    let (out, err) = (Paper::default(), Paper::default());
    let surface = Surface::of(Format::Table, Box::new(out.clone()), Box::new(err.clone()), Some(80));
    surface.show(&status(&story), story.now, &[], [Code::Done]);
    assert!(!out.text().contains("Next:"));
    assert_eq!(err.text(), "Next: tidegate rollout why R42-1\n");
}
