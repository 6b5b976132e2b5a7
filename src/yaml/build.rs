//! From parser events to trees with places.
//!
//! Decides where each value begins and ends, and refuses duplicate keys, bombs and misused merge
//! keys. The grammar is the parser's (granit, through serde-saphyr), the meaning of scalars the
//! dialect's.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, StructureStyle};

use super::scalar::{self, Dialect, Tag};
use super::{Key, Mapping, Node, Value};
use crate::diag::{Finding, Findings, Place, Source, codes};

/// How deep collections may be nested, aliases expanded.
const DEEPEST: usize = 100;
/// How many values a file may have, aliases expanded.
const MOST_NODES: usize = 1_000_000;
/// How many bytes of text its scalars may have, aliases expanded.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// More findings than this of one file tell nothing new.
const MOST_FINDINGS: usize = 200;

/// What came out of a file of ours.
#[derive(Debug)]
pub struct Parsed {
    /// The document, with the first of duplicate keys kept; nothing for an empty file or one whose
    /// syntax is broken.
    pub node: Option<Node>,
    /// What is wrong.
    pub findings: Findings,
}

/// Parses one of our files: one document, YAML 1.2 core schema. Nothing for an empty file.
///
/// # Errors
/// Broken syntax, duplicate keys, a second document, bombs.
pub fn parse(source: &Arc<Source>) -> Result<Option<Node>, Findings> {
    let Parsed { node, findings } = parse_all(source);
    findings.into_result(node)
}

/// As [`parse`], with what could be read beside the findings, so that decoding it can report more.
pub fn parse_all(source: &Arc<Source>) -> Parsed {
    let (documents, mut findings) = documents(source, Dialect::Core);
    let mut documents = documents.into_iter();
    let node = documents.next();
    if let Some(second) = documents.next() {
        findings.push(
            Finding::error(&codes::ONE_DOCUMENT, "the file has more than one document")
                .at(&second.place)
                .label("the second document starts here"),
        );
    }
    Parsed { node, findings: findings.sorted() }
}

/// Parses all documents of a file, empty ones left out.
pub(super) fn documents(source: &Arc<Source>, dialect: Dialect) -> (Vec<Node>, Findings) {
    let mut builder = Builder {
        source,
        dialect,
        findings: Findings::new(),
        stack: Vec::new(),
        anchors: HashMap::new(),
        spent: Weight::default(),
        last_end: 0,
        documents: Vec::new(),
    };
    // Comments stay in the source text; events for them would only be dropped here.
    let options = granit_parser::options! { emit_comments: false };
    let mut parser = Parser::new_from_str_with_options(source.text(), options);
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                builder.event(event, range.start, range.end)
            }
            Err(error) => Err(Box::new(syntax(source, &error))),
        };
        if let Err(finding) = step {
            builder.findings.push(*finding);
            break;
        }
        if builder.findings.len() >= MOST_FINDINGS {
            break;
        }
    }
    (builder.documents, builder.findings)
}

fn syntax(source: &Arc<Source>, error: &granit_parser::ScanError) -> Finding {
    let text = source.text();
    // The marker has bytes for text in memory; the end of the text is the honest second choice.
    let mut at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // An error at the end shows nothing there: step back to the last text.
    if text.get(at..).unwrap_or_default().trim().is_empty() {
        at = text.trim_end().len();
    }
    let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let place = Place::new(source, at, at + width);
    let finding = Finding::error(&codes::YAML_SYNTAX, error.info()).at(&place).label("here");
    let line = source.line_range(place.line());
    let line = text.get(line).unwrap_or_default();
    let before = line.trim_start_matches(' ');
    if before.starts_with('\t') {
        return finding.hint("indent with spaces: YAML forbids tabs there");
    }
    if line.contains("{{") {
        return finding.hint("quote a value that holds `{{`");
    }
    finding
}

/// What a tree costs.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl Weight {
    fn of(node: &Node) -> Weight {
        let mut weight = Weight { nodes: 1, bytes: 0, depth: 0 };
        let mut add = |child: Weight| {
            weight.nodes += child.nodes;
            weight.bytes += child.bytes;
            weight.depth = weight.depth.max(child.depth + 1);
        };
        match &node.value {
            Value::Sequence(items) => items.iter().map(Weight::of).for_each(add),
            Value::Mapping(mapping) => mapping.iter().for_each(|(key, child)| {
                let mut child = Weight::of(child);
                child.bytes += key.text.len();
                add(child);
            }),
            Value::String(text) => weight.bytes = text.len(),
            _ => {}
        }
        weight
    }
}

/// What waits for its value in a mapping.
enum Slot {
    Key(Key),
    /// The value of `<<`, with the place of the key.
    Merge(Place),
    /// A key that was refused: its value is dropped.
    Refused,
}

/// A collection that is not closed yet.
enum Open {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Key, Node)>,
        seen: HashMap<String, usize>,
        slot: Option<Slot>,
        /// Each merge with the number of entries before it.
        merges: Vec<(Place, Node, usize)>,
    },
}

struct Frame {
    open: Open,
    anchor: usize,
    flow: bool,
    start: usize,
    end: usize,
}

type Step = Result<(), Box<Finding>>;

struct Builder<'s> {
    source: &'s Arc<Source>,
    dialect: Dialect,
    findings: Findings,
    stack: Vec<Frame>,
    anchors: HashMap<usize, (Node, Weight)>,
    spent: Weight,
    /// Where the event before ended: a block scalar's header lies behind it.
    last_end: usize,
    documents: Vec<Node>,
}

impl Builder<'_> {
    fn place(&self, start: usize, end: usize) -> Place {
        Place::new(self.source, start, end)
    }

    fn event(&mut self, event: Event<'_>, start: usize, end: usize) -> Step {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let (start, end) = self.scalar_range(style, start, end);
                self.scalar(&text, style, anchor, tag.as_deref(), start, end)?;
                self.last_end = end;
            }
            Event::SequenceStart(style, anchor, _) => {
                self.open(Open::Sequence(Vec::new()), anchor, style, start)?;
            }
            Event::MappingStart(style, anchor, _) => {
                let open = Open::Mapping {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    slot: None,
                    merges: Vec::new(),
                };
                self.open(open, anchor, style, start)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(end)?;
                self.last_end = self.last_end.max(start);
            }
            Event::Alias(anchor) => {
                self.alias(anchor, start, end)?;
                self.last_end = end;
            }
            Event::DocumentStart(..) => {
                self.anchors.clear();
                self.last_end = end;
            }
            _ => {}
        }
        Ok(())
    }

    /// A scalar's range in the source: a block's header included, line breaks behind it not, and
    /// nothing behind its colon.
    fn scalar_range(&self, style: ScalarStyle, start: usize, end: usize) -> (usize, usize) {
        let text = self.source.text();
        let mark = match style {
            ScalarStyle::Literal => '|',
            ScalarStyle::Folded => '>',
            _ => {
                let colon = start == end
                    && text.get(start..).is_some_and(|rest| rest.starts_with(':'))
                    && matches!(
                        self.stack.last().map(|frame| &frame.open),
                        Some(Open::Mapping { slot: Some(_), .. })
                    );
                return if colon { (start + 1, start + 1) } else { (start, end) };
            }
        };
        let header = text.get(self.last_end..start).and_then(|between| between.find(mark));
        let start = header.map_or(start, |at| self.last_end + at);
        let end = start + text.get(start..end).map_or(0, |block| block.trim_end().len());
        (start, end)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        start: usize,
        end: usize,
    ) -> Step {
        // The parser's stand-in for nothing is `~`.
        let text = if start == end && text == "~" { "" } else { text };
        let place = self.place(start, end);
        self.spend(Weight { nodes: 1, bytes: text.len(), depth: 0 }, &place)?;
        let plain = style == ScalarStyle::Plain;
        if self.expects_key() {
            self.key(text, plain && tag.is_none(), &place);
            if anchor != 0 {
                let node = Node { value: Value::String(text.to_owned()), place };
                self.remember(anchor, &node)?;
            }
            return Ok(());
        }
        let named = tag.map(|tag| (tag.suffix_in_namespace("tag:yaml.org,2002:"), tag.original()));
        let tag = named.as_ref().map(|(named, written)| match named.as_deref() {
            Some("str") => Tag::Text,
            Some(name) => Tag::Named(name),
            None if written == "!" => Tag::Text,
            None => Tag::Custom(written),
        });
        let value = match scalar::resolve(self.dialect, text, plain, tag) {
            Ok(value) => value,
            Err(message) => {
                self.findings.push(Finding::error(&codes::UNSUPPORTED_VALUE, message).at(&place));
                Value::String(text.to_owned())
            }
        };
        self.finish(Node { value, place }, anchor)
    }

    fn expects_key(&self) -> bool {
        let open = self.stack.last().map(|frame| &frame.open);
        matches!(open, Some(Open::Mapping { slot: None, .. }))
    }

    /// Takes a scalar as the key of the innermost mapping.
    fn key(&mut self, text: &str, plain: bool, place: &Place) {
        let name = match self.dialect {
            _ if !plain => Some(text.to_owned()),
            Dialect::Core => (!matches!(text, "" | "~")).then(|| text.to_owned()),
            Dialect::Kubernetes => scalar::kubernetes_key(text),
        };
        let end = place.end();
        let Some(Frame { open: Open::Mapping { entries, seen, slot, .. }, end: frame_end, .. }) =
            self.stack.last_mut()
        else {
            return;
        };
        *frame_end = (*frame_end).max(end);
        let Some(text) = name else {
            *slot = Some(Slot::Refused);
            let message = "a key of a mapping is text, this one is nothing";
            self.findings.push(Finding::error(&codes::UNSUPPORTED_KEY, message).at(place));
            return;
        };
        if plain && text == "<<" {
            *slot = Some(Slot::Merge(place.clone()));
            return;
        }
        if let Some((first, _)) = seen.get(&text).and_then(|index| entries.get(*index)) {
            *slot = Some(Slot::Refused);
            self.findings.push(
                Finding::error(&codes::DUPLICATE_KEY, format!("the key `{text}` stands twice"))
                    .at(place)
                    .label("again here")
                    .related(&first.place, "first here"),
            );
            return;
        }
        *slot = Some(Slot::Key(Key { text, place: place.clone() }));
    }

    fn open(&mut self, open: Open, anchor: usize, style: StructureStyle, start: usize) -> Step {
        let place = self.place(start, start + 1);
        if self.stack.len() >= DEEPEST {
            return Err(Box::new(too_deep(&place)));
        }
        self.spend(Weight { nodes: 1, bytes: 0, depth: 0 }, &place)?;
        let flow = style == StructureStyle::Flow;
        self.stack.push(Frame { open, anchor, flow, start, end: start });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Step {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        // A block ends with its last value; the parser's own end lies behind comments and blanks.
        let end = if frame.flow { end } else { frame.end };
        let place = self.place(frame.start, end);
        let value = match frame.open {
            Open::Sequence(items) => Value::Sequence(items),
            Open::Mapping { mut entries, seen, merges, .. } => {
                let mut merged = HashSet::new();
                for merge in merges {
                    self.merge(&mut entries, &seen, &mut merged, merge);
                }
                Value::Mapping(Mapping::new(entries))
            }
        };
        self.finish(Node { value, place }, frame.anchor)
    }

    /// Adds the entries of `<<` that the mapping does not have (yaml.org/type/merge.html).
    fn merge(
        &mut self,
        entries: &mut Vec<(Key, Node)>,
        seen: &HashMap<String, usize>,
        merged: &mut HashSet<String>,
        (at, value, before): (Place, Node, usize),
    ) {
        let refuse = |value: &Node| {
            let message = format!("`<<` takes a mapping or a list of mappings, not {}", value.value.kind());
            Finding::error(&codes::BAD_MERGE, message).at(&at)
        };
        let sources = match value.value {
            Value::Sequence(items) => items,
            _ => vec![value],
        };
        for source in sources {
            let Value::Mapping(mapping) = &source.value else {
                self.findings.push(refuse(&source));
                continue;
            };
            for (key, node) in mapping.iter() {
                match seen.get(&key.text) {
                    // The specification lets the mapping's own key win, kubectl the later one.
                    Some(index) if *index < before => {
                        let own = entries.get(*index).map(|(own, _)| own.place.clone());
                        let message = format!("`{}` stands before the `<<` that sets it as well", key.text);
                        self.findings.push(
                            Finding::error(&codes::BAD_MERGE, message)
                                .at(&at)
                                .related(&own.unwrap_or_else(Place::none), "set here")
                                .hint("readers differ on which one wins: put `<<` first"),
                        );
                    }
                    Some(_) => {}
                    None if merged.contains(&key.text) => {}
                    None => {
                        merged.insert(key.text.clone());
                        entries.push((key.clone(), node.clone()));
                    }
                }
            }
        }
    }

    fn alias(&mut self, anchor: usize, start: usize, end: usize) -> Step {
        let place = self.place(start, end);
        let Some((_, weight)) = self.anchors.get(&anchor) else {
            let message = format!("the alias `{}` stands inside what it repeats", place.text());
            return Err(Box::new(Finding::error(&codes::YAML_SYNTAX, message).at(&place)));
        };
        let weight = *weight;
        if self.stack.len() + weight.depth > DEEPEST {
            return Err(Box::new(too_deep(&place)));
        }
        // Paid before it is copied.
        self.spend(weight, &place)?;
        let Some((node, _)) = self.anchors.get(&anchor) else {
            return Ok(());
        };
        let node = Node { value: node.value.clone(), place: place.clone() };
        match &node.value {
            Value::String(text) if self.expects_key() => {
                self.key(text, false, &place);
                Ok(())
            }
            _ => self.finish(node, 0),
        }
    }

    fn remember(&mut self, anchor: usize, node: &Node) -> Step {
        let weight = Weight::of(node);
        // Anchors inside anchors are kept once each: that, too, is paid for.
        self.spend(weight, &node.place)?;
        self.anchors.insert(anchor, (node.clone(), weight));
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Step {
        if anchor != 0 {
            self.remember(anchor, &node)?;
        }
        let end = node.place.end();
        let Some(frame) = self.stack.last_mut() else {
            if node.value != Value::Null {
                self.documents.push(node);
            }
            return Ok(());
        };
        frame.end = frame.end.max(end);
        match &mut frame.open {
            Open::Sequence(items) => items.push(node),
            Open::Mapping { entries, seen, slot, merges } => match slot.take() {
                Some(Slot::Key(key)) => {
                    seen.insert(key.text.clone(), entries.len());
                    entries.push((key, node));
                }
                Some(Slot::Merge(place)) => merges.push((place, node, entries.len())),
                Some(Slot::Refused) => {}
                None => {
                    *slot = Some(Slot::Refused);
                    let kind = node.value.kind();
                    let message = format!("a key of a mapping is text, this one is {kind}");
                    let mut finding = Finding::error(&codes::UNSUPPORTED_KEY, message).at(&node.place);
                    if node.place.text().starts_with('{') {
                        finding = finding.hint("quote a value that starts with `{{`");
                    }
                    self.findings.push(finding);
                }
            },
        }
        Ok(())
    }

    fn spend(&mut self, weight: Weight, place: &Place) -> Step {
        self.spent.nodes = self.spent.nodes.saturating_add(weight.nodes);
        self.spent.bytes = self.spent.bytes.saturating_add(weight.bytes);
        if self.spent.nodes <= MOST_NODES && self.spent.bytes <= MOST_BYTES {
            return Ok(());
        }
        let message = format!(
            "the file expands to more than {MOST_NODES} values or {MOST_BYTES} bytes, aliases counted"
        );
        Err(Box::new(
            Finding::error(&codes::YAML_BUDGET, message).at(place).label("the limit is passed here"),
        ))
    }
}

fn too_deep(place: &Place) -> Finding {
    let message = format!("the file is nested more than {DEEPEST} levels deep");
    Finding::error(&codes::YAML_BUDGET, message).at(place).label("the limit is passed here")
}
