//! The record: what becomes previous, how it is split and refused.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::super::ObjectId;
use super::super::inventory::{Entry, HASHING};
use super::*;

fn state(n: u8, phase: RecordPhase) -> State {
    State {
        release: format!("R{n}").parse().unwrap(),
        version: format!("1.0.{n}").parse().unwrap(),
        commit: "c0ffee".to_owned(),
        digest: digest::bytes(&[n]),
        inputs: digest::bytes(&[n, n]),
        secrets: None,
        phase,
        values: json!({"replicas": n, "password": {"secretRef": {"env": "PW"}}}),
    }
}

fn author() -> Author {
    Author { journal: Uuid::nil(), fence: 7, rollout: "R2-1".parse().unwrap(), attempt: 1 }
}

fn product() -> ProductName {
    "app".parse().unwrap()
}

fn id(n: usize) -> ObjectId {
    ObjectId {
        group: String::new(),
        kind: "ConfigMap".into(),
        namespace: "a".into(),
        name: format!("c{n:05}"),
    }
}

fn record(n: usize) -> Record {
    let mut record = Record::begin(None, &author(), state(1, RecordPhase::Applied), []);
    record.inventory.entries = (0..n)
        .map(|i| Entry {
            id: id(i),
            version: "v1".into(),
            // A UID can't be compressed.
            uid: Some(digest::bytes(&i.to_le_bytes()).hex()),
            proof: None,
        })
        .collect();
    record.previous = Some(state(9, RecordPhase::Verified));
    record
}

fn read_back(written: &Written) -> Result<Record, Unreadable> {
    decode(&written.head, &written.chunks[0], |name| {
        let at = written.names.iter().position(|n| n == name)?;
        written.chunks.get(at + 1).map(Vec::as_slice)
    })
}

#[test]
fn a_record_reads_back_as_written() {
    let written = encode(&record(3), &product(), CHUNK).unwrap();
    assert!(written.names.is_empty());
    assert_eq!(read_back(&written).unwrap(), record(3));
}

#[test]
fn what_can_not_be_made_smaller_is_packed_all_the_same() {
    let noise: Vec<u8> = (0..50_000_u32).flat_map(|n| *digest::bytes(&n.to_le_bytes()).as_bytes()).collect();
    for bytes in [&noise[..], &noise[..1], &[], &noise[..70_000]] {
        let packed = gzip(bytes).unwrap();
        assert!(bytes.is_empty() || packed.len() > bytes.len(), "{} of {}", packed.len(), bytes.len());
        let mut back = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut back).unwrap();
        assert!(back == bytes);
    }
}

#[test]
fn a46_an_inventory_of_thousands_is_split_and_reads_back() {
    let record = record(40_000);
    let written = encode(&record, &product(), CHUNK).unwrap();
    assert!(written.chunks.len() > 1, "one chunk of {}", written.chunks[0].len());
    assert!(written.chunks.iter().all(|chunk| chunk.len() <= CHUNK));
    assert!(written.names[0].starts_with("product.app.") && written.names[0].ends_with(".1"));
    assert_eq!(read_back(&written).unwrap(), record);
}

#[test]
fn six_thousand_objects_fit_one_secret() {
    let mut record = record(6_000);
    record.current.values = json!({});
    let written = encode(&record, &product(), CHUNK).unwrap();
    assert_eq!(written.chunks.len(), 1);
}

#[test]
fn a_missing_or_foreign_part_is_damage() {
    let mut written = encode(&record(2_000), &product(), 10_000).unwrap();
    let names = std::mem::take(&mut written.names);
    let error = read_back(&written).unwrap_err().to_string();
    assert_eq!(error, format!("it is damaged: Secret {} is missing", names[0]));
    written.names = names;
    written.chunks[1][5] ^= 1;
    assert!(matches!(read_back(&written), Err(Unreadable::Damaged(_))));
}

#[test]
fn a_higher_format_is_refused_whatever_else_it_holds() {
    let error = decode(br#"{"format": 2, "shape": "unknown"}"#, b"", |_| None).unwrap_err();
    assert_eq!(error, Unreadable::Higher { found: 2 });
}

#[test]
fn the_previous_state_is_the_last_verified_one_and_no_retry_replaces_it() {
    let verified = Record { current: state(1, RecordPhase::Verified), ..record(1) };
    let first = Record::begin(Some(&verified), &author(), state(2, RecordPhase::Verified), []);
    assert_eq!(first.current.phase, RecordPhase::Applying);
    assert_eq!(first.previous, Some(state(1, RecordPhase::Verified)));
    // A retry, and another release after a failure, both keep it.
    let retry = Record::begin(Some(&first), &author(), state(2, RecordPhase::Applying), []);
    assert_eq!(retry.previous, first.previous);
    let next = Record::begin(Some(&retry), &author(), state(3, RecordPhase::Applying), []);
    assert_eq!(next.previous, first.previous);
    // The same inputs once more (new secret values) supersede nothing.
    let again = Record::begin(Some(&verified), &author(), state(1, RecordPhase::Applying), []);
    assert_eq!(again.previous, verified.previous);
}

#[test]
fn the_inventory_of_a_beginning_holds_old_and_new() {
    let begun = Record::begin(
        Some(&record(2)),
        &author(),
        state(2, RecordPhase::Applying),
        [(id(1), "v1".into()), (id(7), "v1".into())],
    );
    let ids: Vec<_> = begun.inventory.entries.iter().map(|e| e.id.clone()).collect();
    assert_eq!(ids, [id(0), id(1), id(7)]);
    assert_eq!(begun.inventory.hashing, HASHING);
}

#[test]
fn a_journal_goes_on_only_from_records_that_are_its_own() {
    let knows = |rollout: &RolloutId| rollout.as_str() == "R1-1";
    let admitted = |record: Record| admit(&BTreeMap::from([(product(), record)]), Uuid::nil(), &knows);
    let ours = record(0);
    assert!(admitted(Record { current: state(1, RecordPhase::Verified), ..ours.clone() }).is_ok());
    assert!(admitted(Record { rollout: "R1-1".parse().unwrap(), ..ours.clone() }).is_ok());
    assert!(matches!(admitted(ours.clone()), Err(NotOurs::Rollout { .. })));
    assert!(admitted(Record { adopted: true, ..ours.clone() }).is_ok());
    let foreign = Record { journal: Uuid::max(), current: state(1, RecordPhase::Verified), ..ours };
    assert!(matches!(admitted(foreign), Err(NotOurs::Journal { .. })));
}

#[test]
fn secrets_digests_differ_by_value_path_and_key() {
    let of = |key: &[u8], path: &str, value: &str| secrets_digest(key, [(path, value)]);
    assert_eq!(secrets_digest(b"k", []), None);
    assert_eq!(of(b"k", "/a", "v"), of(b"k", "/a", "v"));
    assert_ne!(of(b"k", "/a", "v"), of(b"k", "/a", "w"));
    assert_ne!(of(b"k", "/a", "v"), of(b"k", "/b", "v"));
    assert_ne!(of(b"k", "/a", "v"), of(b"l", "/a", "v"));
}
