//! The data set of endoflife.date, version 1 of its interface (endoflife.date/docs/api/v1, schema 1.2): one
//! product, or all of them. A cycle that says something decisive in a form that nobody can read is kept with its
//! name and without ends, so that whoever looks for it learns that, and not that it is supported.

use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;

use super::cycle::{Cycle, End, Ends, Latest, Lts};
use super::loose::{Leaf, Loose, Shape, document};
use super::product::{Identifier, Product};
use super::{days, tidy};
use crate::diag::count;

pub use super::loose::Unreadable;

/// The most cycles of a product that are read: three times what the longest one has.
const CYCLES: usize = 1_000;

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Shape"))]
struct Envelope<T> {
    #[serde(default)]
    schema_version: Leaf,
    #[serde(default)]
    generated_at: Leaf,
    #[serde(default)]
    result: Loose<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldProduct {
    name: Leaf,
    aliases: Loose<Vec<Leaf>>,
    label: Leaf,
    identifiers: Loose<Vec<Loose<ToldIdentifier>>>,
    links: Loose<ToldLinks>,
    releases: Loose<Vec<Loose<ToldCycle>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldIdentifier {
    id: Leaf,
    #[serde(rename = "type")]
    kind: Leaf,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldLinks {
    html: Leaf,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldCycle {
    name: Leaf,
    codename: Leaf,
    label: Leaf,
    release_date: Leaf,
    is_lts: Leaf,
    lts_from: Leaf,
    is_eoas: Leaf,
    eoas_from: Leaf,
    is_eol: Leaf,
    eol_from: Leaf,
    is_eoes: Leaf,
    eoes_from: Leaf,
    is_discontinued: Leaf,
    discontinued_from: Leaf,
    is_maintained: Leaf,
    latest: Loose<ToldLatest>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldLatest {
    name: Leaf,
    date: Leaf,
    link: Leaf,
}

impl Shape for ToldProduct {}
impl Shape for ToldIdentifier {}
impl Shape for ToldLinks {}
impl Shape for ToldCycle {}
impl Shape for ToldLatest {}

/// Reads what is told of one product.
///
/// # Errors
/// When it is no such document, or the product has no name or no list of cycles.
pub fn product(bytes: &[u8]) -> Result<Product, Unreadable> {
    let envelope: Envelope<ToldProduct> = document(bytes)?;
    let generated = understood(&envelope.schema_version, &envelope.generated_at)?;
    match envelope.result {
        Loose::Read(told) => read(told, generated).map_err(Unreadable),
        Loose::Other(kind) => Err(Unreadable(format!("its `result` is {kind}, not a product"))),
    }
}

/// All products of the whole data set, and what of it could not be read.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    /// The products.
    pub products: Vec<Arc<Product>>,
    /// What is no product, in words.
    pub problems: Vec<String>,
}

/// Reads the whole data set.
///
/// # Errors
/// When it is no such document, or has no product at all.
pub fn whole(bytes: &[u8]) -> Result<Whole, Unreadable> {
    let envelope: Envelope<Vec<Loose<ToldProduct>>> = document(bytes)?;
    let generated = understood(&envelope.schema_version, &envelope.generated_at)?;
    let listed = match envelope.result {
        Loose::Read(listed) => listed,
        Loose::Other(kind) => {
            return Err(Unreadable(format!("its `result` is {kind}, not a list of products")));
        }
    };
    let mut all = Whole::default();
    for (place, told) in listed.into_iter().enumerate() {
        let product = match told {
            Loose::Read(told) => read(told, generated),
            Loose::Other(kind) => Err(format!("it is {kind}")),
        };
        match product {
            Ok(product) => all.products.push(Arc::new(product)),
            Err(why) => all.problems.push(format!("product {} of the list can't be read: {why}", place + 1)),
        }
    }
    if all.products.is_empty() {
        return Err(Unreadable("no product is in its `result`".to_owned()));
    }
    Ok(all)
}

/// The day on which the answer was made, if the schema is one that is understood here.
fn understood(version: &Leaf, generated: &Leaf) -> Result<Option<Date>, Unreadable> {
    let is_first = |text: &str| text == "1" || text.starts_with("1.");
    match version {
        Leaf::Missing => {}
        Leaf::Text(text) if is_first(text) => {}
        Leaf::Text(text) => {
            return Err(Unreadable(format!("its schema is {}, expected 1", tidy(text))));
        }
        other => return Err(Unreadable(format!("its schema is {}, expected 1", other.kind()))),
    }
    let moment = generated.text().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Ok(moment.map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC).date()))
}

fn read(told: ToldProduct, generated: Option<Date>) -> Result<Product, String> {
    let name = named(&told.name)?;
    let releases = match told.releases {
        Loose::Read(releases) => releases,
        Loose::Other(kind) => return Err(format!("the `releases` of `{name}` are {kind}, not a list")),
    };
    if releases.len() > CYCLES {
        return Err(format!("`{name}` has more than {}", count(CYCLES, "release")));
    }
    let page = told.links.read().and_then(|links| links.html.text().map(tidy));
    let source = page.unwrap_or_else(|| format!("https://endoflife.date/{name}"));
    let (mut cycles, mut problems) = (Vec::new(), Vec::new());
    for (place, told) in releases.into_iter().enumerate() {
        let cycle = match told {
            Loose::Read(told) => cycle(told, &source, generated),
            Loose::Other(kind) => Err(format!("it is {kind}")),
        };
        match cycle {
            Ok(cycle) => {
                let wrong = cycle.ends.as_ref().err();
                problems.extend(wrong.map(|why| format!("cycle `{}`: {why}", cycle.name)));
                cycles.push(cycle);
            }
            Err(why) => problems.push(format!("cycle {} of the list can't be read: {why}", place + 1)),
        }
    }
    let label = told.label.text().map_or_else(|| name.clone(), tidy);
    let identifiers = told.identifiers.items().into_iter().filter_map(Loose::read).filter_map(|told| {
        Some(Identifier { kind: told.kind.text()?.to_owned(), id: told.id.text()?.to_owned() })
    });
    let mut product = Product::new(name, label, cycles);
    product.aliases =
        told.aliases.items().iter().filter_map(|alias| alias.text().map(str::to_owned)).collect();
    product.identifiers = identifiers.collect();
    product.problems = problems;
    Ok(product)
}

fn named(name: &Leaf) -> Result<String, String> {
    let text = name.text().ok_or_else(|| format!("its `name` is {}", name.kind()))?;
    match !text.is_empty() && tidy(text) == *text {
        true => Ok(text.to_owned()),
        false => Err(format!("its `name` is `{}`, which is none", tidy(text))),
    }
}

fn cycle(mut told: ToldCycle, source: &str, generated: Option<Date>) -> Result<Cycle, String> {
    let name = named(&told.name)?;
    let text = |leaf: &Leaf| leaf.text().map(tidy).filter(|text| !text.is_empty());
    let day = |leaf: &Leaf| leaf.text().and_then(day);
    let lts = match (day(&told.lts_from), told.is_lts.is_true()) {
        (Some(from), _) => Lts::From(from),
        (None, true) => Lts::Yes,
        (None, false) => Lts::No,
    };
    let latest = std::mem::take(&mut told.latest).read().and_then(|latest| {
        Some(Latest { name: text(&latest.name)?, date: day(&latest.date), link: text(&latest.link) })
    });
    Ok(Cycle {
        label: text(&told.label).unwrap_or_else(|| name.clone()),
        codename: text(&told.codename),
        released: day(&told.release_date),
        lts,
        ends: ends(&told, generated),
        latest,
        ..Cycle::named(name, source)
    })
}

fn ends(told: &ToldCycle, generated: Option<Date>) -> Result<Ends, String> {
    let phases = [
        (("isEoas", &told.is_eoas), ("eoasFrom", &told.eoas_from)),
        (("isEol", &told.is_eol), ("eolFrom", &told.eol_from)),
        (("isEoes", &told.is_eoes), ("eoesFrom", &told.eoes_from)),
        (("isDiscontinued", &told.is_discontinued), ("discontinuedFrom", &told.discontinued_from)),
    ];
    let maintained = flag("isMaintained", &told.is_maintained)?;
    let mut found = [End::Absent; 4];
    for (end, (is, from)) in found.iter_mut().zip(phases) {
        *end = phase(is, from, generated)?;
        if maintained == Some(false) && *is.1 == Leaf::Bool(false) {
            return Err(format!("`isMaintained` says that it is over, `{}` that it is not", is.0));
        }
    }
    let [active, life, extended, discontinued] = found;
    Ok(Ends { active, life, extended, discontinued, maintained })
}

/// The end of a phase: by its day, else by whether it is over. The day alone counts where both are said: the
/// other was worked out from it, on the day when the answer was made.
fn phase(is: (&str, &Leaf), from: (&str, &Leaf), generated: Option<Date>) -> Result<End, String> {
    let over = flag(is.0, is.1)?;
    let last = match from.1 {
        Leaf::Missing => None,
        Leaf::Text(text) => {
            let last = day(text).ok_or_else(|| format!("`{}` is `{}`, which is no day", from.0, tidy(text)));
            Some(last?)
        }
        other => return Err(format!("`{}` is {}, expected a day", from.0, other.kind())),
    };
    match (last, over) {
        // A day of slack for where on Earth it was made.
        (Some(last), Some(true)) if generated.is_some_and(|made| days(made, last) > 1) => {
            Err(format!("`{}` says that it is over, `{}` that it ends on {last}", is.0, from.0))
        }
        (Some(last), _) => Ok(End::On(last)),
        (None, Some(true)) => Ok(End::Past),
        (None, Some(false)) => Ok(End::Open),
        (None, None) => Ok(End::Absent),
    }
}

fn flag(name: &str, leaf: &Leaf) -> Result<Option<bool>, String> {
    match leaf {
        Leaf::Missing => Ok(None),
        Leaf::Bool(value) => Ok(Some(*value)),
        other => Err(format!("`{name}` is {}, expected true or false", other.kind())),
    }
}

/// A day alone, without a time.
fn day(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == "2026-12-02".len())
}
