//! The page of events, from the type that is written into the journal: its names, its fields and
//! what their comments say.

use super::{cell, head};

/// One event of the source.
#[derive(Default)]
struct Event {
    name: String,
    about: String,
    fields: Vec<(String, String, String)>,
}

/// The source of the type.
const SOURCE: &str = include_str!("../../src/journal/event/body.rs");

/// Every event with its fields.
pub fn page() -> String {
    let mut page = head(
        "Events",
        "Every event of the journal with its fields, from the code that writes it. [Events](../events.md) \
         tells who writes them, and what the envelope is.",
    );
    for event in events(SOURCE) {
        page.push_str(&format!("## {}\n\n{}\n\n", event.name, cell(&event.about)));
        if event.fields.is_empty() {
            continue;
        }
        page.push_str("| field | form | meaning |\n| --- | --- | --- |\n");
        for (name, form, about) in event.fields {
            page.push_str(&format!("| `{name}` | {} | {} |\n", cell(&form), cell(&about)));
        }
        page.push('\n');
    }
    page.trim_end().to_owned() + "\n"
}

/// Reads the variants of `enum Body`: comments, the stable name, and fields one a line, as rustfmt
/// leaves them.
fn events(source: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut comment = String::new();
    let mut named = None;
    let mut inside = false;
    let mut optional = false;
    let body = source.split("pub enum Body {").nth(1).and_then(|rest| rest.split("\n}\n").next()).unwrap();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push_str(text);
        } else if let Some(rest) = line.strip_prefix("#[serde(rename = \"").filter(|_| !inside) {
            named = rest.split('"').next().map(str::to_owned);
        } else if line.starts_with("#[") {
            optional |= line.contains("default");
        } else if let (false, Some(name)) = (inside, named.take_if(|_| line.contains('{'))) {
            inside = !line.ends_with("{},");
            events.push(Event { name, about: std::mem::take(&mut comment), ..Event::default() });
        } else if line == "}," {
            inside = false;
        } else if let (true, Some((field, form))) = (inside, line.split_once(": ")) {
            let event = events.last_mut().unwrap();
            let form = form.trim_end_matches(',');
            let form = form_of(form, std::mem::take(&mut optional));
            event.fields.push((camel(field), form, std::mem::take(&mut comment)));
        } else {
            comment.clear();
        }
    }
    events
}

/// A type in words.
fn form_of(form: &str, optional: bool) -> String {
    let inner = |name: &str| form.strip_prefix(name).and_then(|rest| rest.strip_suffix('>'));
    if let Some(inner) = inner("Option<") {
        return format!("{} or null{}", form_of(inner, false), if optional { ", may be absent" } else { "" });
    }
    if optional {
        return format!("{}, may be absent", form_of(form, false));
    }
    if let Some(inner) = inner("Box<") {
        return form_of(inner, false);
    }
    if let Some(inner) = inner("Vec<").or_else(|| inner("BTreeSet<")) {
        return format!("list of {}", form_of(inner, false));
    }
    match form.rsplit("::").next().unwrap_or(form) {
        "String" | "Uuid" => "text".to_owned(),
        "Timestamp" => "time".to_owned(),
        "bool" => "`true` or `false`".to_owned(),
        "u8" | "u32" | "u64" | "i32" | "usize" => "whole number".to_owned(),
        "ClusterName" | "RolloutId" | "WaveName" | "GateId" | "ProductName" | "ReleaseId" => {
            "name".to_owned()
        }
        "Digest" => "digest".to_owned(),
        "Version" => "version".to_owned(),
        other if other.chars().all(char::is_alphanumeric) => format!("`{other}`"),
        _ => form.to_owned(),
    }
}

/// As serde writes it.
fn camel(field: &str) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for c in field.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                camel.extend(c.to_uppercase());
                upper = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

#[test]
fn every_event_of_the_source_is_read_with_its_words() {
    let events = events(SOURCE);
    let names = SOURCE.matches("#[serde(rename = \"").count();
    assert_eq!(events.len(), names, "{:?}", events.iter().map(|e| &e.name).collect::<Vec<_>>());
    for event in &events {
        assert!(!event.about.trim().is_empty(), "{} has no words", event.name);
        assert!(event.fields.iter().all(|(_, _, about)| !about.trim().is_empty()), "{}", event.name);
    }
    let held = events.iter().find(|event| event.name == "cluster.hold").unwrap();
    assert!(
        held.fields.iter().any(|(name, form, _)| name == "until" && form == "time or null, may be absent")
    );
    let done = events.iter().find(|event| event.name == "driver.took-over").unwrap();
    assert!(done.fields.iter().any(|(name, form, _)| name == "newFence" && form == "whole number"));
}
