//! The chain: how an event is written, and how every way to break a chain is found.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::digest::Digest;
use crate::model::Actor;

const JOURNAL: &str = "0190a5c2-7b1e-7000-8000-000000000001";

fn id() -> uuid::Uuid {
    JOURNAL.parse().unwrap()
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn drafts() -> Vec<Draft> {
    let draft = |second, actor: &str, fence, body| Draft {
        at: at(second),
        actor: Actor(actor.to_owned()),
        fence,
        body,
    };
    let attempt =
        AttemptId { rollout: "R1-1".parse().unwrap(), cluster: "acme-dev".parse().unwrap(), attempt: 1 };
    let step = StepId::Deploy { product: "ingress".parse().unwrap(), step: "chart".to_owned() };
    let outcome = StepOutcome::Failed {
        class: FailureClass::Transient,
        cause: "503".to_owned(),
        output: vec!["a \"quoted\" ü\n".to_owned()],
    };
    vec![
        draft(0, "person:ann", None, Body::JournalCreated { journal: id() }),
        draft(
            1,
            "engine",
            Some(1),
            Body::DriverTookOver {
                process: "7@here".to_owned(),
                boot: "b".to_owned(),
                pid_namespace: String::new(),
                new_fence: 1,
            },
        ),
        draft(
            2,
            "engine",
            Some(1),
            Body::StepStarted {
                attempt: attempt.clone(),
                step: step.clone(),
                tries: 1,
                host: "here".to_owned(),
                boot: "b".to_owned(),
                pid_namespace: String::new(),
            },
        ),
        draft(3, "engine", Some(1), Body::StepFinished { attempt, step, tries: 1, outcome }),
    ]
}

fn events() -> Vec<Event> {
    let mut prev = origin(id());
    let mut events = Vec::new();
    for (seq, draft) in (1..).zip(drafts()) {
        let event = chain(draft, seq, prev).unwrap();
        prev = event.hash;
        events.push(event);
    }
    events
}

fn entries() -> Vec<Entry> {
    events().iter().map(|e| encode(e).unwrap()).collect()
}

#[test]
fn an_event_is_one_line_of_canonical_json_that_stays_the_same() {
    let text = &entries()[3].text;
    assert!(!text.contains('\n'));
    assert_eq!(
        text.split_once("\"hash\":").unwrap().0,
        "{\"actor\":\"engine\",\"at\":\"2027-01-15T08:00:03Z\",\"attempt\":1,\"cause\":\"503\",\
         \"class\":\"transient\",\"cluster\":\"acme-dev\",\"event\":\"step.finished\",\"fence\":1,"
    );
    // A changed hash here means that journals written before would no longer verify.
    assert_eq!(
        events()[3].hash.to_string(),
        "sha256:8ff4b7a600b4f8fe96a1cecef5bdb898f5056e247c53180b9ce9467fd199a594"
    );
}

#[test]
fn an_event_is_read_back_as_it_was_written() {
    for (event, entry) in events().iter().zip(entries()) {
        assert_eq!(decode(&entry).as_ref(), Ok(event));
        assert_eq!(hash(event).unwrap(), event.hash);
    }
}

#[test]
fn a_chain_that_holds_is_verified_to_its_head() {
    let verified = verify(id(), entries()).unwrap();
    assert_eq!(verified, Verified { events: 4, head: events()[3].hash });
    assert_eq!(verify(id(), []).unwrap().head, origin(id()));
}

#[test]
fn an_event_of_a_newer_schema_is_refused_with_words_and_still_verified() {
    let mut event = events().remove(0);
    event.schema = SCHEMA + 1;
    event.hash = hash(&event).unwrap();
    let entry = encode(&event).unwrap();
    let refused = decode(&entry).unwrap_err();
    assert!(refused.to_string().contains("install the newer version"), "{refused}");
    assert_eq!(verify(id(), [entry]).unwrap().events, 1);
}

#[test]
fn an_event_that_this_build_does_not_know_is_damage_not_a_panic() {
    let text = entries()[0].text.replace("journal.created", "journal.imagined");
    assert!(matches!(decode(&Entry { seq: 1, text }), Err(DecodeError::Damaged { seq: 1, .. })));
    assert!(decode(&Entry { seq: 9, text: "[]".to_owned() }).is_err());
}

#[test]
fn every_way_to_break_the_chain_is_found_at_its_place() {
    let broken = |change: fn(&mut Vec<Entry>)| {
        let mut entries = entries();
        change(&mut entries);
        verify(id(), entries).unwrap_err()
    };
    let removed = broken(|e| {
        e.remove(1);
    });
    assert_eq!((removed.seq, removed.fault), (3, ChainFault::Gap { expected: 2 }));
    let changed = broken(|e| e[3].text = e[3].text.replace("503", "504"));
    assert!(matches!(changed, Broken { seq: 4, fault: ChainFault::Changed { .. } }));
    let spaced = broken(|e| e[1].text = e[1].text.replace(",\"at\"", ", \"at\""));
    assert!(matches!(spaced, Broken { seq: 2, fault: ChainFault::NotCanonical }));
    let moved = broken(|e| e[1].text = e[0].text.clone());
    assert!(matches!(moved, Broken { seq: 2, fault: ChainFault::Moved { claimed: 1 } }));
    let garbage = broken(|e| e[2].text = "no json".to_owned());
    assert!(matches!(garbage, Broken { seq: 3, fault: ChainFault::Unreadable { .. } }));
    // A forger who computes the hash anew breaks the link to what follows.
    let rewritten = broken(|e| {
        let mut event = events().remove(1);
        event.actor = Actor("person:eve".to_owned());
        event.hash = hash(&event).unwrap();
        e[1] = encode(&event).unwrap();
    });
    assert!(matches!(rewritten, Broken { seq: 3, fault: ChainFault::Unlinked { .. } }));
    let other_journal = verify(uuid::Uuid::nil(), entries()).unwrap_err();
    assert!(matches!(other_journal, Broken { seq: 1, fault: ChainFault::Unlinked { .. } }));
}

#[test]
fn a_fence_never_falls() {
    let mut events = events();
    let last = events.pop().unwrap();
    let draft = Draft { at: last.at, actor: last.actor, fence: Some(0), body: last.body };
    events.push(chain(draft, 4, last.prev).unwrap());
    let broken = verify(id(), events.iter().map(|e| encode(e).unwrap())).unwrap_err();
    assert_eq!(broken.fault, ChainFault::Fence { before: 1, found: 0 });
}

#[test]
fn the_origin_is_the_hash_of_the_uuid_as_text() {
    assert_eq!(origin(id()), crate::digest::bytes(JOURNAL.as_bytes()));
    assert_ne!(origin(id()), Digest::from_bytes([0; 32]));
}
