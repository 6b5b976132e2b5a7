//! Templates (`*.yaml.j2`): strict, with a limit, without a clock, randomness or any file outside of
//! the product's folder. It decides what their language offers and where in a template a mistake
//! stands. What the text means afterwards is for `manifests`.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use minijinja::value::{Kwargs, Rest, Serde, StringInput, Value, ValueKind, ValueOrKwargs};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter,
};

use super::context::Context;
use super::trace::{self, Trace};
use crate::diag::{Finding, Findings, Place, Source, codes};
use crate::model::Tree;

/// How many instructions one template may execute.
const FUEL: u64 = 2_000_000;

/// How many bytes one template may write.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The largest number that filters take for a width or a number of columns.
const WIDEST: usize = 1_000;

/// The templates of one product's folder.
pub(super) struct Templates<'a> {
    tree: &'a Tree,
    /// How the folder is called in places.
    folder: &'a str,
    plain: Environment<'static>,
    marked: Environment<'static>,
}

/// A rendered template.
pub(super) struct Text {
    /// What came out.
    pub text: String,
    /// Where its lines come from.
    pub trace: Trace,
}

impl<'a> Templates<'a> {
    pub fn new(tree: &'a Tree, folder: &'a str) -> Self {
        // Only these files are read by templates; the bytes are shared.
        let files = Arc::new(tree.clone());
        let plain = environment(Arc::clone(&files), false);
        let marked = environment(files, true);
        Self { tree, folder, plain, marked }
    }

    /// The source of a file of the folder, if it is there and is text.
    pub fn source(&self, path: &str) -> Option<Arc<Source>> {
        let text = String::from_utf8(self.tree.get(path)?.bytes.to_vec()).ok()?;
        Some(Source::new(shown(self.folder, path), text))
    }

    /// Renders one file.
    ///
    /// # Errors
    /// What is wrong with the template or with its values, at the template's line.
    pub fn render(&self, path: &str, context: &Context) -> Result<Text, Findings> {
        let text = render(&self.plain, path, context).map_err(|error| self.finding(&error, path, context))?;
        // Marking changes nothing in sane templates; if it does, only the places are less exact.
        let trace = match render(&self.marked, path, context) {
            Ok(marked) => Trace::read(&marked, &text),
            Err(_) => Trace::default(),
        };
        Ok(Text { text, trace })
    }

    fn finding(&self, error: &Error, path: &str, context: &Context) -> Findings {
        // The innermost error is the cause; those around it are the files that included it.
        let mut chain = vec![error];
        while let Some(inner) = std::error::Error::source(*chain.last().unwrap_or(&error))
            .and_then(|source| source.downcast_ref::<Error>())
        {
            chain.push(inner);
        }
        let cause = chain.last().copied().unwrap_or(error);
        let mut place = self.place(cause, path);
        if cause.kind() == ErrorKind::UndefinedError && !place.is_none() {
            place = dotted(&place);
        }
        let hide = |text: &str| context.mask().hide(text);
        let detail = hide(cause.detail().unwrap_or_default());
        let mut finding = match cause.kind() {
            ErrorKind::SyntaxError | ErrorKind::BadEscape | ErrorKind::InvalidDelimiter => {
                Finding::error(&codes::TEMPLATE_SYNTAX, format!("the template can't be read: {detail}"))
            }
            ErrorKind::UndefinedError => undefined(&place, context, &detail),
            ErrorKind::OutOfFuel => Finding::error(
                &codes::TEMPLATE_LIMIT,
                format!("the template executes more than {FUEL} instructions"),
            ),
            ErrorKind::WriteFailure => Finding::error(
                &codes::TEMPLATE_LIMIT,
                format!("the template writes more than {} MiB", MOST_BYTES >> 20),
            ),
            ErrorKind::TemplateNotFound => Finding::error(
                &codes::TEMPLATE_FAILED,
                format!("the template includes a file that is not in the product's folder: {detail}"),
            ),
            kind => {
                let detail = if detail.is_empty() { kind.to_string() } else { detail };
                Finding::error(&codes::TEMPLATE_FAILED, format!("the template fails here: {detail}"))
            }
        };
        finding = finding.at(&place);
        for outer in chain.iter().rev().skip(1) {
            let place = self.place(outer, path);
            if finding.place.as_ref() != Some(&place) {
                finding = finding.related(&place, "included from here");
            }
        }
        let mut findings = Findings::new();
        findings.push(finding);
        findings
    }

    fn place(&self, error: &Error, path: &str) -> Place {
        let Some(source) = self.source(error.name().unwrap_or(path)) else { return Place::none() };
        if let Some(range) = error.range().filter(|range| range.start < range.end) {
            return Place::new(&source, range.start, range.end);
        }
        line(&source, u32::try_from(error.line().unwrap_or(1)).unwrap_or(1))
    }
}

/// The text of a line without its indentation.
pub(super) fn line(source: &Arc<Source>, number: u32) -> Place {
    let range = source.line_range(number);
    let text = source.text().get(range.clone()).unwrap_or_default();
    let indent = text.len() - text.trim_start().len();
    Place::new(source, range.start + indent, range.start + text.trim_end().len().max(indent))
}

pub(super) fn shown(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

fn environment(files: Arc<Tree>, marked: bool) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(true);
    // The default would write values in `*.yaml.j2` as JSON.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // It would print every value, secrets included.
    environment.remove_function_debug();
    environment.set_path_join_callback(|name, parent| join(name, parent).into());
    environment.set_loader(move |path| match files.get(path) {
        None => Ok(None),
        Some(file) => match std::str::from_utf8(&file.bytes) {
            Ok(text) if marked => Ok(Some(trace::mark(path, text))),
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(Error::new(ErrorKind::InvalidOperation, format!("`{path}` is not UTF-8"))),
        },
    });
    environment.set_formatter(move |out, state, value| {
        if marked {
            out.write_str(trace::OPEN.encode_utf8(&mut [0; 4]))?;
        }
        as_yaml(out, state, value)?;
        if marked {
            out.write_str(trace::CLOSE.encode_utf8(&mut [0; 4]))?;
        }
        Ok(())
    });
    // The language's own would take any number, and end the process where memory ends.
    environment.add_filter("indent", indent);
    environment.add_filter("slice", slice);
    environment.add_filter("format", format_of);
    environment.add_filter("b64encode", |text: &str| base64::engine::general_purpose::STANDARD.encode(text));
    environment
}

/// As the language's own, for widths that a line can have.
fn indent(
    value: StringInput<'_>,
    width: Option<usize>,
    first: Option<bool>,
    blank: Option<bool>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let named = kwargs.peek::<Option<usize>>("width").unwrap_or_default();
    bounded(width.or(named), "indent")?;
    minijinja::filters::indent(value, width, first, blank, kwargs)
}

/// As the language's own, for numbers of columns that a list can have.
fn slice(state: &State<'_, '_>, value: Value, count: usize, fill: Option<Value>) -> Result<Value, Error> {
    bounded(Some(count), "slice")?;
    minijinja::filters::slice(state, value, count, fill)
}

/// As the language's own, for widths that a line can have.
fn format_of(state: &mut State<'_, '_>, form: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let numbers = form.as_str().unwrap_or_default().split(|c: char| !c.is_ascii_digit());
    let widest = numbers.filter(|n| !n.is_empty()).map(|n| n.parse().unwrap_or(usize::MAX)).max();
    bounded(widest, "format")?;
    minijinja::filters::format(state, form, args)
}

fn bounded(number: Option<usize>, filter: &str) -> Result<(), Error> {
    match number {
        Some(number) if number > WIDEST => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`{filter}` takes at most {WIDEST}, not {number}"),
        )),
        _ => Ok(()),
    }
}

/// Writes a value so that YAML reads it back as what it is: `true`, not Python's `True`; `null`; lists
/// and mappings as JSON. Text is written as it is.
fn as_yaml(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None => out.write_str("null")?,
        ValueKind::Bool => out.write_str(if value.is_true() { "true" } else { "false" })?,
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let text = serde_json::to_string(value).map_err(|error| {
                Error::new(ErrorKind::BadSerialization, format!("the value has no form in YAML: {error}"))
            })?;
            out.write_str(&text)?;
        }
        _ => escape_formatter(out, state, value)?,
    }
    Ok(())
}

/// Takes away what the language offers beyond a function of its arguments.
trait RemoveDebug {
    fn remove_function_debug(&mut self);
}

impl RemoveDebug for Environment<'_> {
    fn remove_function_debug(&mut self) {
        self.remove_global("debug");
        self.remove_filter("pprint");
    }
}

/// Names count from the product's folder; with `./` or `../` from the including file's.
fn join(name: &str, parent: &str) -> String {
    if !name.starts_with("./") && !name.starts_with("../") {
        return name.to_owned();
    }
    let mut parts: Vec<&str> = parent.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                if parts.pop().is_none() {
                    // Above the folder is nothing; the name stays and is not found.
                    return name.to_owned();
                }
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Writes up to a limit.
struct Limited {
    bytes: Vec<u8>,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MOST_BYTES * 2 {
            return Err(io::Error::other("too much"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn render(environment: &Environment<'_>, path: &str, context: &Context) -> Result<String, Error> {
    let template = environment.get_template(path)?;
    let mut out = Limited { bytes: Vec::new() };
    template.render_captured_to(Value::from(Serde(context.value())), &mut out)?;
    Ok(String::from_utf8_lossy(&out.bytes).into_owned())
}

fn is_path(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// The whole dotted name that a place is a part of: minijinja points at the last step of it.
fn dotted(place: &Place) -> Place {
    let text = place.source().text();
    let before = text.get(..place.start()).unwrap_or_default();
    let start = before.trim_end_matches(is_path).len();
    Place::new(place.source(), start, place.end())
}

/// Says which name is not there, and which one may have been meant.
fn undefined(place: &Place, context: &Context, detail: &str) -> Finding {
    let path: Vec<&str> = place
        .text()
        .split(|c: char| !is_path(c))
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .split('.')
        .collect();
    let mut value = context.value();
    let mut known = String::new();
    for name in path {
        match value.get(name) {
            Some(inner) => {
                known = if known.is_empty() { name.to_owned() } else { format!("{known}.{name}") };
                value = inner;
            }
            None => {
                let Some(object) = value.as_object() else { break };
                let what = if known.is_empty() { name.to_owned() } else { format!("{known}.{name}") };
                return Finding::error(&codes::TEMPLATE_UNDEFINED, format!("`{what}` is not defined"))
                    .label("not defined")
                    .did_you_mean(name, object.keys().map(String::as_str));
            }
        }
    }
    let words = if detail.is_empty() { "something that is not defined" } else { detail };
    Finding::error(&codes::TEMPLATE_UNDEFINED, format!("the template uses {words}"))
}
