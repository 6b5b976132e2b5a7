//! A row of the report: one thing of one product, what of it is declared, what is newest, and how the two
//! stand. A source that gave no answer makes a row that says so: silence is never "nothing newer".

use std::collections::BTreeMap;

use super::declared::{Declared, Item};
use super::pick::{Choice, NoChoice, pick};
use super::policy::Policy;
use super::status::{self, Standing};
use super::upstream::Unanswered;
use super::version::{Level, by_age};

/// What a source answered about an item: its published versions, or why there is no answer.
pub type Answers = BTreeMap<Item, Result<Vec<String>, Unanswered>>;

/// One thing of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The product.
    pub product: String,
    /// Who owns it.
    pub owner: String,
    /// What has versions.
    pub item: Item,
    /// The versions that the product's files name, the lowest first; each once.
    pub declared: Vec<String>,
    /// The newest version of the kind of the lowest declared one; none if nothing is known of it.
    pub newest: Option<String>,
    /// How the lowest declared version stands.
    pub status: Status,
    /// Where it is declared first.
    pub place: String,
}

/// How a declared version stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It is the newest of its kind.
    Same,
    /// It is above everything that is published.
    Ahead,
    /// So far behind.
    Behind(Level),
    /// It is not published any more, and nothing newer is: whoever has to pull it can't.
    Missing,
    /// Nothing can be said, and why.
    Unknown(String),
}

impl Status {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Ahead => "ahead",
            Self::Behind(level) => level.word(),
            Self::Missing => "missing-upstream",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether somebody has to do something about it: what is only a newer version can wait, what nobody
    /// can pull, and what nobody knows, can't.
    pub fn needs_action(&self) -> bool {
        !matches!(self, Self::Same | Self::Ahead)
    }
}

/// The rows of all that is declared, in order of products and items.
pub fn rows(declared: &[Declared], answers: &Answers, policy: &dyn Fn(&Item) -> Policy) -> Vec<Row> {
    let mut by_item: BTreeMap<(&str, &Item), Vec<&Declared>> = BTreeMap::new();
    for one in declared {
        by_item.entry((&one.product, &one.item)).or_default().push(one);
    }
    by_item.into_values().filter_map(|all| row(&all, answers, policy)).collect()
}

fn row(all: &[&Declared], answers: &Answers, policy: &dyn Fn(&Item) -> Policy) -> Option<Row> {
    let first = all.first()?;
    let policy = policy(&first.item);
    let mut versions: Vec<&str> = all.iter().filter_map(|one| one.version.as_deref()).collect();
    versions.sort_by(|one, other| {
        let order = match (policy.scheme.read(one), policy.scheme.read(other)) {
            (Some(one), Some(other)) => by_age(&one, &other),
            (one, other) => one.is_some().cmp(&other.is_some()).reverse(),
        };
        order.then_with(|| one.cmp(other))
    });
    versions.dedup();
    let (newest, status) = match (versions.first(), answers.get(&first.item)) {
        (_, None) => (None, Status::Unknown("nobody was asked".to_owned())),
        (_, Some(Err(silence))) => (None, Status::Unknown(silence.to_string())),
        (None, Some(Ok(_))) => {
            (None, Status::Unknown("no file of the product names a version of it".to_owned()))
        }
        (Some(lowest), Some(Ok(published))) => against(lowest, published, &policy),
    };
    Some(Row {
        product: first.product.clone(),
        owner: first.owner.clone(),
        item: first.item.clone(),
        declared: versions.into_iter().map(str::to_owned).collect(),
        newest,
        status,
        place: first.place.to_string(),
    })
}

/// How a version stands against what is published.
fn against(version: &str, published: &[String], policy: &Policy) -> (Option<String>, Status) {
    let tags: Vec<&str> = published.iter().map(String::as_str).collect();
    let chosen = pick(version, &tags, policy);
    let status = match (status::of(version, &chosen, policy), &chosen) {
        (Standing::Behind(level), _) => Status::Behind(level),
        (Standing::Ahead, _) => Status::Ahead,
        (_, Err(NoChoice::Missing { .. })) => Status::Missing,
        (_, Err(why)) => Status::Unknown(why.to_string()),
        (_, Ok(_)) => Status::Same,
    };
    let newest = match chosen {
        Ok(Choice { newest, latest, .. }) => newest.or(latest).map(str::to_owned),
        Err(NoChoice::Missing { latest }) => latest,
        Err(_) => None,
    };
    (newest, status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Place;
    use crate::lcm::upstream::Silence;
    use crate::lcm::version::Scheme;
    use crate::model::image::Repository;

    fn item() -> Item {
        Item::Image(Repository { registry: "quay.io".to_owned(), name: "a/b".to_owned() })
    }

    fn declared(version: &str) -> Declared {
        Declared {
            product: "certs".to_owned(),
            owner: "security".to_owned(),
            item: item(),
            version: Some(version.to_owned()),
            digest: None,
            place: Place::none(),
        }
    }

    fn told(versions: &[&str], answer: Result<&[&str], Unanswered>) -> (Vec<String>, Option<String>, Status) {
        let all: Vec<Declared> = versions.iter().map(|version| declared(version)).collect();
        let answer = answer.map(|tags| tags.iter().map(|tag| (*tag).to_owned()).collect());
        let answers = Answers::from([(item(), answer)]);
        let mut rows = rows(&all, &answers, &|_| Policy::of(Scheme::Auto));
        assert_eq!(rows.len(), 1);
        let row = rows.remove(0);
        (row.declared, row.newest, row.status)
    }

    #[test]
    fn several_declared_versions_are_one_row_that_stands_as_the_lowest_does() {
        let (declared, newest, status) = told(&["v1.10.0", "v1.9.0", "v1.9.0"], Ok(&["v1.9.0", "v1.10.0"]));
        assert_eq!(declared, ["v1.9.0", "v1.10.0"]);
        assert_eq!((newest.as_deref(), status), (Some("v1.10.0"), Status::Behind(Level::Minor)));
    }

    #[test]
    fn the_newest_is_the_same_and_what_is_above_it_is_ahead() {
        assert_eq!(told(&["2.0.0"], Ok(&["1.0.0", "2.0.0"])).2, Status::Same);
        assert_eq!(told(&["2.1.0"], Ok(&["1.0.0", "2.0.0"])).2, Status::Ahead);
    }

    #[test]
    fn a_silent_source_is_unknown_and_never_up_to_date() {
        let silence = Unanswered::new(Silence::Forbidden, "quay.io answered 403");
        let (_, newest, status) = told(&["2.0.0"], Err(silence));
        assert_eq!((newest, status), (None, Status::Unknown("quay.io answered 403".to_owned())));
        assert_eq!(told(&["2.0.0"], Ok(&[])).2, Status::Unknown("there are no tags".to_owned()));
    }
}
