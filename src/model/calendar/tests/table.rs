//! The table of cases: `tests/windows.yaml`.

use super::*;
use crate::model::WaveName;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    about: String,
    calendar: serde_json::Value,
    at: Vec<Case>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    now: jiff::Timestamp,
    #[serde(default)]
    lane: Lane,
    #[serde(default)]
    wave: Option<WaveName>,
    #[serde(default)]
    labels: Labels,
    /// It is open, and closes then (`never`: not within ten years).
    #[serde(default)]
    open: Option<String>,
    /// It is closed by the entry of this name, or by those.
    #[serde(default)]
    closed: Option<String>,
    /// When it opens again.
    #[serde(default)]
    opens: Option<String>,
}

fn shown(at: Option<jiff::Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

#[test]
fn every_case_of_the_table_is_as_expected() {
    let groups: Vec<Group> = serde_saphyr::from_str(include_str!("../../../../tests/windows.yaml")).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for group in groups {
        // Flow style is YAML, so that the calendar is read as a file is.
        let calendar = calendar(&group.calendar.to_string());
        for case in group.at {
            seen += 1;
            let wave = case.wave.unwrap_or_else(|| "prod".parse().unwrap());
            let verdict = calendar.at(case.now, &Subject::new(case.lane, &wave, &case.labels));
            let found = match &verdict {
                Verdict::Open { closes } => format!("open until {}", shown(*closes)),
                Verdict::Closed(closed) => {
                    let by = match &closed.by {
                        ClosedBy::Freeze { name, .. } | ClosedBy::Deny { name, .. } => name.to_string(),
                        ClosedBy::NoneOpen { windows } => {
                            windows.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(" ")
                        }
                    };
                    format!("closed by {by} until {}", shown(closed.next_opening))
                }
            };
            let expected = match (&case.open, &case.closed, &case.opens) {
                (Some(until), None, None) => format!("open until {until}"),
                (None, Some(by), Some(opens)) => format!("closed by {by} until {opens}"),
                _ => panic!("{}: a case is `open`, or `closed` and `opens`", group.about),
            };
            if found != expected {
                wrong.push(format!("{}, at {}: {found}; expected {expected}", group.about, case.now));
            }
        }
    }
    assert!(seen >= 60, "only {seen} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fleet_f07_open_now_means_go_now() {
    let week = calendar(
        "windows: [ { name: w, kind: allow, schedule: 0 0 * * MON, for: 7d, timeZone: UTC, waves: [prod] } ]",
    );
    // In the middle of a week-long window nobody waits for the next one.
    assert!(ask(&week, "2026-11-18T10:00:00Z").is_open());
    assert_eq!(
        week.next_opening(
            moment("2026-11-18T10:00:00Z"),
            &Subject::new(Lane::Normal, &"prod".parse().unwrap(), &Labels::new())
        ),
        Some(moment("2026-11-18T10:00:00Z"))
    );
}
