//! The schemas of the built-in kinds, read from a table that was made from what a real API server says
//! of itself (`cargo run --example bed -- schemas`). A line is a type: its name, `@` if it is one whole,
//! in angle brackets the kinds that it is the type of, then its fields as `name:type=default`, with `!`
//! behind the name of one that must be there. Types are `s` text (`s(a|b)` one of these), `i` and `l`
//! whole numbers of 32 and 64 bits, `n` number, `b` boolean, `t` time, `y` bytes, `q` quantity, `u` number
//! or text, `any` anything as one whole, `free` anything field by field, `{}T` map (`{@}T` as one whole),
//! `[]T` list as one whole, `[set]T`, `[name]T` list by keys, with `~KEY` where strategic patches merge it
//! by that key, else the name of another type, with `@` where it is one whole only here.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use super::types::{FREE, Field, Fields, Form, ItemsBy, List, Node, Scalar, TypeId, Types, WHOLE};

const TABLE: &str = include_str!("schemas.txt");

/// Fields whose zero reads otherwise than that of most: texts that may be empty, numbers and booleans
/// whose zero is the same as nothing; and, with `!`, lists that are written as null where they are empty.
/// A line is a type and its fields; Go's types say it, schemas do not.
const ZEROS: &str = include_str!("zeros.txt");

/// The types of all built-in kinds.
pub(super) struct Table {
    /// The types.
    pub(super) types: Arc<Types>,
    /// The type of each kind, by group, kind and version.
    pub(super) kinds: BTreeMap<(&'static str, &'static str, &'static str), TypeId>,
    /// Types by their names.
    pub(super) names: HashMap<&'static str, TypeId>,
}

/// The table, read once.
pub(super) fn table() -> &'static Table {
    static READ: OnceLock<Table> = OnceLock::new();
    READ.get_or_init(|| Reader::default().read(TABLE, ZEROS))
}

#[derive(Default)]
struct Reader {
    types: Types,
    names: HashMap<&'static str, TypeId>,
    expressions: HashMap<&'static str, TypeId>,
    kinds: BTreeMap<(&'static str, &'static str, &'static str), TypeId>,
    /// Types that are another one as one whole; filled in last.
    wholes: Vec<(TypeId, TypeId)>,
}

impl Reader {
    fn read(mut self, table: &'static str, zeros: &'static str) -> Table {
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split(' ').collect()).collect();
        for line in &lines {
            let name = line.first().copied().unwrap_or_default().trim_end_matches('@');
            let id = self.types.add(Node { name: Some(name.into()), ..Node::default() });
            self.names.insert(name, id);
        }
        let zeros: HashMap<&str, Vec<&str>> = zeros
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, fields)| (name, fields.split(' ').collect()))
            .collect();
        for line in lines {
            self.line(&line, &zeros);
        }
        for (id, of) in std::mem::take(&mut self.wholes) {
            let mut node = self.types.get(of).clone();
            if let Some(map) = &mut node.map {
                map.whole = true;
            }
            if let Some(place) = self.types.get_mut(id) {
                *place = node;
            }
        }
        Table { types: Arc::new(self.types), kinds: self.kinds, names: self.names }
    }

    fn line(&mut self, line: &[&'static str], zeros: &HashMap<&str, Vec<&str>>) {
        let Some((&first, rest)) = line.split_first() else { return };
        let name = first.trim_end_matches('@');
        let Some(&id) = self.names.get(name) else { return };
        let others: &[&str] = zeros.get(name).map_or(&[], Vec::as_slice);
        let mut map = Fields { whole: first.ends_with('@'), ..Fields::default() };
        for part in rest {
            if let Some(kinds) = part.strip_prefix('<') {
                for kind in kinds.trim_end_matches('>').split(',') {
                    let Some((version, kind)) = kind.rsplit_once('/') else { continue };
                    let (group, version) = version.split_once('/').unwrap_or(("", version));
                    self.kinds.insert((group, kind, version), id);
                }
            } else if let Some(of) = part.strip_prefix('=') {
                let of = self.expression(of);
                let node = self.types.get(of).clone();
                if let Some(place) = self.types.get_mut(id) {
                    *place = Node { name: place.name.take(), ..node };
                }
                return;
            } else if let Some((name, of)) = part.split_once(':') {
                let (of, default) = match of.split_once('=') {
                    Some((of, default)) => (of, serde_json::from_str(default).ok()),
                    None => (of, None),
                };
                let (name, required) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
                let merged_by = of.strip_prefix('[').and_then(|by| by.split_once(']')?.0.split_once('~'));
                let is_text = of == "s" || of == "y" || of.starts_with("s(");
                let of_list = required && of.starts_with('[');
                let null_stands = of_list || others.iter().any(|other| other.strip_prefix('!') == Some(name));
                let field = Field {
                    null_stands,
                    of: self.expression(of),
                    required,
                    default,
                    merged_by: merged_by.map(|(_, key)| key.into()),
                    zero_is_nothing: !required && (is_text != others.contains(&name)),
                };
                map.known.insert(name.into(), field);
            }
        }
        if let Some(node) = self.types.get_mut(id) {
            node.map = Some(map);
        }
    }

    fn expression(&mut self, text: &'static str) -> TypeId {
        match text {
            "any" => return WHOLE,
            "free" => return FREE,
            _ => {}
        }
        if let Some(&id) = self.names.get(text).or_else(|| self.expressions.get(text)) {
            return id;
        }
        let node = if let Some((by, items)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let by = by.split('~').next().unwrap_or_default();
            let items_by = match by {
                "" => ItemsBy::Whole,
                "set" => ItemsBy::Value,
                keys => ItemsBy::Keys(keys.split(',').map(Into::into).collect()),
            };
            Node { list: Some(List { items: self.expression(items), items_by }), ..Node::default() }
        } else if let Some((whole, of)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let others = Some(self.expression(of));
            let map = Fields { known: BTreeMap::new(), others, whole: whole == "@" };
            Node { map: Some(map), ..Node::default() }
        } else if let Some(of) = text.strip_suffix('@') {
            let of = self.expression(of);
            let id = self.types.add(Node::default());
            self.wholes.push((id, of));
            self.expressions.insert(text, id);
            return id;
        } else {
            Node { scalar: Some(scalar(text)), ..Node::default() }
        };
        let id = self.types.add(node);
        self.expressions.insert(text, id);
        id
    }
}

fn scalar(text: &str) -> Scalar {
    let (form, allowed) = text.split_once('(').unwrap_or((text, ""));
    let form = match form {
        "s" => Form::Text,
        "i" => Form::Int32,
        "l" => Form::Int64,
        "n" => Form::Number,
        "b" => Form::Bool,
        "t" => Form::Time,
        "y" => Form::Bytes,
        "q" => Form::Quantity,
        "u" => Form::IntOrText,
        _ => Form::Any,
    };
    let allowed = allowed.trim_end_matches(')').split('|').filter(|text| !text.is_empty());
    Scalar { form, allowed: allowed.map(Into::into).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_the_table_names_is_in_it() {
        let table = table();
        assert!(table.kinds.len() > 60, "{} kinds", table.kinds.len());
        let defined: std::collections::BTreeSet<&str> = table.names.keys().copied().collect();
        for line in TABLE.lines() {
            for part in line.split(' ').skip(1).filter_map(|part| part.split_once(':')) {
                let of = part.1.split('=').next().unwrap().trim_end_matches('@');
                let of = of.rsplit([']', '}']).next().unwrap();
                assert!(!of.contains('.') || defined.contains(of) || of.starts_with("s("), "{line}: {of}");
            }
        }
        for line in ZEROS.lines() {
            let (name, fields) = line.split_once(' ').unwrap();
            let known = &table.types.get(table.names[name]).map.as_ref().unwrap().known;
            for field in fields.split(' ') {
                assert!(known.contains_key(field.trim_start_matches('!')), "{name}: {field}");
            }
        }
    }

    #[test]
    fn a_line_says_what_a_type_is() {
        let table = Reader::default().read(
            "a.v1.A <g/v1/A,v2/A> b!:s=\"x\\u0020y\" c:[port,protocol~port]a.v1.B={} d:{@}s e:a.v1.B@ f:s(On|Off)\n\
             a.v1.B port:i protocol:s=\"TCP\"\na.v1.C@ x:any\na.v1.D =q\n",
            "a.v1.A f\na.v1.B port\n",
        );
        assert_eq!(table.kinds.keys().collect::<Vec<_>>(), [&("", "A", "v2"), &("g", "A", "v1")]);
        let node = |name: &str| table.types.get(table.names[name]);
        let known = |name: &str| &node(name).map.as_ref().unwrap().known;
        let (a, b) = (known("a.v1.A"), known("a.v1.B"));
        assert_eq!(a["b"].default, Some("x y".into()));
        assert!(a["b"].required && !a["c"].required);
        let list = table.types.get(a["c"].of).list.as_ref().unwrap();
        assert_eq!(list.items_by, ItemsBy::Keys(vec!["port".into(), "protocol".into()]));
        assert_eq!(a["c"].merged_by.as_deref(), Some("port"));
        assert!(table.types.get(a["d"].of).map.as_ref().unwrap().whole);
        assert!(
            table.types.get(a["e"].of).map.as_ref().unwrap().whole
                && !node("a.v1.B").map.as_ref().unwrap().whole
        );
        assert!(node("a.v1.C").map.as_ref().unwrap().whole);
        assert_eq!(node("a.v1.D").scalar.as_ref().unwrap().form, Form::Quantity);
        assert_eq!(table.types.get(a["f"].of).scalar.as_ref().unwrap().allowed, ["On".into(), "Off".into()]);
        assert!(b["port"].zero_is_nothing && b["protocol"].zero_is_nothing && !a["f"].zero_is_nothing);
    }
}
