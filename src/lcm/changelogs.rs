//! Changelog files of projects: which are worth asking for, because the project's releases tell nothing of
//! what is between two versions; what they are called; and where people read them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::changes::{Reach, releases};
use super::declared::Item;
use super::policy::Policy;
use super::projects::Projects;
use super::row::Row;
use super::upstream::{Project, Published, Silence, Unanswered};
use super::version::{Scheme, by_age};

/// What such files are called, what is found most often first. Each is a question of its own.
pub const NAMES: [&str; 5] = ["CHANGELOG.md", "HISTORY.md", "CHANGELOG", "RELEASES.md", "docs/CHANGELOG.md"];

/// So many bytes of a file are kept: the newest versions stand above.
const MOST: usize = 256 * 1024;

/// A changelog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Changelog {
    /// The tag that has it so.
    pub at: String,
    /// The file's path in the project.
    pub path: String,
    /// What it says, perhaps cut.
    pub text: String,
    /// Whether it is cut.
    #[serde(default)]
    pub cut: bool,
}

/// What forges answered about the releases of projects.
pub type Released = BTreeMap<Project, Result<Arc<Vec<Published>>, Unanswered>>;

/// The ends of a row, of which its project's releases tell nothing.
#[derive(Debug, Clone)]
pub struct Untold<'r> {
    item: &'r Item,
    current: &'r str,
    newest: &'r str,
    scheme: Scheme,
}

impl Changelog {
    /// A changelog of which as much is kept as is read.
    pub fn of(at: &str, path: &str, mut text: String) -> Self {
        let cut = text.len() > MOST;
        text.truncate(text.floor_char_boundary(MOST));
        Self { at: at.to_owned(), path: path.to_owned(), text, cut }
    }

    /// Where people read it.
    pub fn address(&self, project: &Project) -> String {
        match project {
            Project::GitHub(path) => format!("https://github.com/{path}/blob/{}/{}", self.at, self.path),
            Project::GitLab(path) => format!("https://gitlab.com/{path}/-/blob/{}/{}", self.at, self.path),
        }
    }

    /// Whether it is about the versions of a thing. A chart may count in its own way: then what the project
    /// writes about itself says nothing of the chart's numbers.
    pub fn fits(&self, item: &Item, newest: &str) -> bool {
        fits(item, newest, &self.at)
    }
}

fn fits(item: &Item, newest: &str, at: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches('v').to_owned();
    !matches!(item, Item::Chart { .. }) || bare(at) == bare(newest)
}

/// What a thing is called among others of its project.
pub(super) fn name(item: &Item) -> Option<&str> {
    match item {
        Item::Chart { .. } | Item::Image(_) => Some(item.short()),
        Item::Tool(_) | Item::Kubernetes(_) | Item::Addon { .. } => None,
    }
}

/// The projects whose changelogs are worth asking for, each with what is asked.
pub fn wanted<'r>(
    rows: &'r [Row],
    projects: &'r Projects,
    policy: &dyn Fn(&str, &Item) -> Policy,
    released: &Released,
) -> BTreeMap<&'r Project, Vec<Untold<'r>>> {
    let mut all: BTreeMap<&Project, Vec<Untold<'_>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.behind().is_some()) {
        let Some(project) = projects.of_item(&row.product, &row.item) else { continue };
        let (Some(current), Some(newest)) = (row.judged.as_deref(), row.newest.as_deref()) else { continue };
        let scheme = policy(&row.product, &row.item).scheme;
        let untold = Untold { item: &row.item, current, newest, scheme };
        let tells_nothing = match released.get(project) {
            Some(Ok(all)) => {
                releases::between(untold.reach(), all).map_or(true, |told| told.changes.is_empty())
            }
            // Files are kept elsewhere than where questions are counted.
            Some(Err(silent)) => matches!(silent.why, Silence::Limited | Silence::Forbidden),
            None => false,
        };
        if tells_nothing {
            all.entry(project).or_default().push(untold);
        }
    }
    all
}

impl Untold<'_> {
    fn reach(&self) -> Reach<'_> {
        Reach { current: self.current, newest: self.newest, scheme: &self.scheme, name: name(self.item) }
    }

    /// The tag among these at which its changelog is read.
    fn tag<'t>(&self, tags: &[&'t str]) -> Option<&'t str> {
        self.reach().newest_of(tags).filter(|tag| fits(self.item, self.newest, tag))
    }
}

/// The tag at which a project's changelog tells of all that is untold: the newest of those that things have.
pub fn at<'t>(untold: &[Untold<'_>], tags: &[&'t str]) -> Option<&'t str> {
    let found = untold.iter().filter_map(|one| one.tag(tags));
    found.max_by(|one, other| match (Scheme::Auto.read(one), Scheme::Auto.read(other)) {
        (Some(one), Some(other)) => by_age(&one, &other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untold<'r>(item: &'r Item, current: &'r str, newest: &'r str) -> Untold<'r> {
        Untold { item, current, newest, scheme: Scheme::Auto }
    }

    #[test]
    fn a_changelog_is_read_at_the_newest_tag_that_somebody_has() {
        let tool = Item::Tool("github:a/b".parse().expect("a project"));
        let image = Item::Image("quay.io/a/b".parse().expect("a repository"));
        let tags = ["v1.0.0", "v1.1.0", "v1.2.0", "v2.0.0"];
        let both = [untold(&tool, "v1.0.0", "v1.1.0"), untold(&image, "1.0.0", "1.2.0")];
        assert_eq!(at(&both, &tags), Some("v1.2.0"));
        assert_eq!(at(&both[..1], &tags), Some("v1.1.0"));
        assert_eq!(at(&[untold(&tool, "v3.0.0", "v3.1.0")], &tags), None);
    }

    #[test]
    fn a_chart_with_numbers_of_its_own_has_another_changelog() {
        let chart =
            Item::Chart { repository: "https://charts.example.com".to_owned(), name: "web".to_owned() };
        assert_eq!(at(&[untold(&chart, "1.0.0", "1.1.0")], &["v1.0.0", "v1.1.0"]), Some("v1.1.0"));
        assert_eq!(at(&[untold(&chart, "1.0.0", "1.1.0")], &["web-1.0.0", "web-1.1.0"]), None);
    }

    #[test]
    fn a_long_changelog_is_cut_where_a_character_ends() {
        let long = Changelog::of("v1", "CHANGELOG.md", "ä".repeat(MOST));
        assert!(long.cut && long.text.len() <= MOST && long.text.chars().all(|c| c == 'ä'));
        assert!(!Changelog::of("v1", "CHANGELOG.md", "# 1".to_owned()).cut);
    }

    #[test]
    fn people_read_it_on_the_page_of_the_forge() {
        let file = Changelog::of("v1", "docs/CHANGELOG.md", String::new());
        let address = |project: &str| file.address(&project.parse().expect("a project"));
        assert_eq!(address("github:a/b"), "https://github.com/a/b/blob/v1/docs/CHANGELOG.md");
        assert_eq!(address("gitlab:a/b/c"), "https://gitlab.com/a/b/c/-/blob/v1/docs/CHANGELOG.md");
    }
}
