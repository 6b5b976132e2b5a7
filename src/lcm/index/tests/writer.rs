//! Indexes by chance, written in the styles of many tools and in some that nobody has.

use proptest::prelude::*;

/// An index, and what it is known to hold.
#[derive(Debug, Clone)]
pub struct Written {
    pub text: String,
    /// Charts with their versions.
    pub charts: Vec<(String, Vec<String>)>,
}

/// How an index is written.
#[derive(Debug, Clone)]
struct Style {
    /// The columns of charts, of dashes behind them, and of keys behind those.
    charts: usize,
    dashes: usize,
    gap: usize,
    line_end: &'static str,
    head: &'static str,
    tail: &'static str,
    /// What stands around the name of a chart.
    name: (&'static str, &'static str),
    comments: bool,
}

/// A field of a version: what follows its key, in lines; all but the first are indented by so much more.
type Field = (String, Vec<String>, usize);

/// A chart with the numbers and other fields of its versions.
type Chart = (String, Vec<(String, Vec<Field>)>);

const NASTY: &[&str] = &[
    "wanted:",
    "  wanted:",
    "- version: 6.6.6",
    "entries:",
    "'",
    "\"",
    "it's",
    "[x",
    "}",
    "# no comment",
    "a: b",
    "|",
    "---",
    "\\",
    "{{ x }}",
    "&a *b !c",
    "? d",
    "é ü",
    "- - -",
    "",
];

const PLAIN: &[&str] = &["wanted", "\"two", "'three", "[four", "- five", "a:b", "|", "{x", "it's", "x# y"];

fn some(
    from: &'static [&'static str],
    how_many: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(from).prop_map(str::to_owned), how_many)
}

fn lines(first: &str, rest: Vec<String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(rest).collect()
}

/// A value of several lines.
fn value() -> impl Strategy<Value = Vec<String>> {
    let header = prop::sample::select(&["|", "|-", ">+", ">", "| # text", ">- "][..]);
    let block = (header, some(NASTY, 0..5)).prop_map(|(header, text)| {
        // The first line says how far the text is indented.
        lines(header, lines("x", text))
    });
    let double = some(NASTY, 1..5).prop_map(|text| {
        let mut text: Vec<String> =
            text.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
        text[0].insert(0, '"');
        text.last_mut().unwrap().push_str("\" # \"");
        text
    });
    let single = some(NASTY, 1..5).prop_map(|text| {
        let mut text: Vec<String> = text.iter().map(|line| line.replace('\'', "''")).collect();
        text[0].insert(0, '\'');
        text.last_mut().unwrap().push('\'');
        text
    });
    let plain = some(PLAIN, 0..4).prop_map(|text| lines("one", text));
    let flow = prop::sample::select(
        &[
            "[]",
            "{}",
            "['it''s', \"]\\\"}\",\nit's, # ]\n{wanted: [a]}]",
            "[\nwanted:\n, b]",
            "{a: [b, \"c\n d\"],\nwanted: x}",
        ][..],
    )
    .prop_map(|text| text.split('\n').map(str::to_owned).collect());
    let list = prop::sample::select(
        &[
            "\n- wanted:\n- a: |\n    wanted:\n  b: c",
            "\nwanted:\n- version: 6.6.6",
            "\n- - 'a\n    wanted:'\n  - b",
            " # none",
            " &x y",
        ][..],
    )
    .prop_map(|text| text.split('\n').map(str::to_owned).collect());
    prop_oneof![block, double, single, plain, flow, list]
}

fn field() -> impl Strategy<Value = Field> {
    let key = prop::sample::select(&["description", "x", "y", "'wanted'", "\"entries\"", "kubeVersion2"][..]);
    (key.prop_map(str::to_owned), value(), 1..4usize)
}

fn version() -> impl Strategy<Value = (String, Vec<Field>)> {
    let number = prop_oneof!["[0-9]\\.[0-9]{1,2}", "[0-9]{1,2}\\.[0-9]\\.[0-9]", "v1\\.0\\.0-rc\\.[0-9]"];
    let fields = prop::collection::vec(field(), 0..4).prop_map(|mut fields| {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields.dedup_by(|a, b| a.0 == b.0);
        fields
    });
    (number, fields)
}

fn style() -> impl Strategy<Value = Style> {
    let columns = (1..5usize, 0..4usize, 1..4usize);
    let words = (
        prop::sample::select(&["\n", "\r\n", "\r"][..]),
        prop::sample::select(
            &[
                "",
                "apiVersion: v1\n",
                "\u{FEFF}# x\n---\napiVersion: v1\n",
                "note: |\n  entries:\n    wanted:\n    - version: 6.6.6\n",
                "\n\n'a': \"entries:\n  wanted:\"\n",
            ][..],
        ),
        prop::sample::select(
            &["", "generated: \"now\"\n", "serverInfo:\n  wanted: []\n", "...\n", "keywords:\n- wanted:\n"][..],
        ),
        prop::sample::select(
            &[("", ":"), ("'", "':"), ("\"", "\" : # x"), ("", ":  "), ("", ": &chart")][..],
        ),
        any::<bool>(),
    );
    (columns, words).prop_map(|((charts, dashes, gap), (line_end, head, tail, name, comments))| Style {
        charts,
        dashes,
        gap,
        line_end,
        head,
        tail,
        name,
        comments,
    })
}

/// Indexes of the charts `wanted` and some others.
pub fn index() -> impl Strategy<Value = Written> {
    let names =
        prop::sample::subsequence(vec!["a", "wanted", "wanted-too", "entries", "z"], 1..=5).prop_shuffle();
    let charts = names.prop_flat_map(|names| {
        let versions = prop::collection::vec(prop::collection::vec(version(), 1..4), names.len());
        versions.prop_map(move |versions| names.iter().map(|name| (*name).to_owned()).zip(versions).collect())
    });
    (style(), charts).prop_map(|(style, charts): (Style, Vec<Chart>)| Written {
        text: write(&style, &charts),
        charts: charts
            .into_iter()
            .map(|(name, versions)| (name, versions.into_iter().map(|(number, _)| number).collect()))
            .collect(),
    })
}

fn write(style: &Style, charts: &[Chart]) -> String {
    let mut text = format!("{}entries:\n", style.head);
    let dashes = style.charts + style.dashes;
    for (name, versions) in charts {
        let (before, behind) = style.name;
        text.push_str(&format!("{}{before}{name}{behind}\n", " ".repeat(style.charts)));
        for (number, fields) in versions {
            if style.comments {
                text.push_str("# wanted:\n\n  # \"\n");
            }
            text.push_str(&format!("{}-{}version: {number}\n", " ".repeat(dashes), " ".repeat(style.gap)));
            for field in fields {
                text.push_str(&write_field(field, dashes + 1 + style.gap));
            }
        }
    }
    (text + style.tail).replace('\n', style.line_end)
}

fn write_field((key, value, deeper): &Field, column: usize) -> String {
    let (first, rest) = value.split_first().unwrap();
    let mut text = format!("{}{key}: {first}\n", " ".repeat(column));
    for line in rest {
        text.push_str(&format!("{}{line}\n", " ".repeat(column + deeper)));
    }
    text
}
