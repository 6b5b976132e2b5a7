//! What forges tell of the releases between two versions.

use super::found::Found;
use super::notes::{self, Whose};
use super::reach::{Reach, Unreached};
use crate::lcm::upstream::Published;

/// So many bytes of the notes of all releases are read, the newest first.
const MOST: usize = 4 * 1024 * 1024;
/// So many bytes of one release's notes are read.
const MOST_OF_ONE: usize = 512 * 1024;

/// What changed in the releases above the one in use, up to the newer one.
///
/// # Errors
/// When it can't be told which releases lie between: an end is no version, or the project releases several
/// things and it is open which one is meant.
pub fn between(reach: Reach<'_>, releases: &[Published]) -> Result<Found, Unreached> {
    let span = reach.among(releases.iter().map(|release| release.tag.as_str()))?;
    let mut wanted: Vec<&Published> = releases.iter().filter(|release| span.holds(&release.tag)).collect();
    wanted.sort_by(|one, other| {
        span.newest_first(&one.tag, &other.tag)
            .then_with(|| (&one.notes, &one.url).cmp(&(&other.notes, &other.url)))
    });
    wanted.dedup();
    let mut found = Found::default();
    let mut left = MOST;
    for release in wanted {
        let size = release.notes.len().min(MOST_OF_ONE).min(left);
        let notes = release.notes.get(..release.notes.floor_char_boundary(size)).unwrap_or_default();
        left -= notes.len();
        found.cut += usize::from(notes.len() < release.notes.len());
        let link = notes::link(&release.tag, release.url.as_deref());
        let title = release.title.as_deref().filter(|title| title.trim() != release.tag);
        let before = found.changes.len();
        notes::read(
            notes,
            Whose { version: &release.tag, link: link.as_ref(), span: Some(&span) },
            &mut found,
        );
        if let Some(title) = title
            && found.changes.len() == before
        {
            notes::read(title, Whose { version: &release.tag, link: link.as_ref(), span: None }, &mut found);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::version::Scheme;

    fn release(tag: &str, notes: &str) -> Published {
        Published {
            tag: tag.to_owned(),
            title: None,
            at: None,
            prerelease: false,
            notes: notes.to_owned(),
            url: Some(format!("https://x.example/{tag}")),
        }
    }

    fn texts(current: &str, newest: &str, name: Option<&str>, releases: &[Published]) -> Vec<String> {
        let found = between(Reach { current, newest, scheme: &Scheme::Auto, name }, releases).unwrap();
        found.changes.iter().map(|change| format!("{} {}", change.version, change.text)).collect()
    }

    #[test]
    fn releases_between_are_read_the_newest_first() {
        let releases = [
            release("v1.17.0", "- in use"),
            release("v1.17.1", "- a"),
            release("v1.18.0-beta.0", "- b"),
            release("v1.18.0", "- c"),
            release("v1.19.0", "- later"),
        ];
        let expected = ["v1.18.0 c", "v1.18.0-beta.0 b", "v1.17.1 a"];
        assert_eq!(texts("1.17.0", "v1.18.0", Some("cert-manager"), &releases), expected);
        let mut turned = releases.to_vec();
        turned.reverse();
        assert_eq!(texts("1.17.0", "v1.18.0", None, &turned), expected);
    }

    #[test]
    fn other_things_of_a_project_are_left_alone() {
        let releases = [
            release("kube-prometheus-stack-62.0.0", "- a"),
            release("kube-prometheus-stack-61.0.0", "- b"),
            release("prometheus-62.0.0", "- c"),
            release("prometheus-61.5.0", "- d"),
        ];
        let found = texts("61.0.0", "62.0.0", Some("kube-prometheus-stack"), &releases);
        assert_eq!(found, ["kube-prometheus-stack-62.0.0 a"]);
        let reach = Reach { current: "61.0.0", newest: "62.0.0", scheme: &Scheme::Auto, name: None };
        assert!(matches!(between(reach, &releases), Err(Unreached::Ambiguous { .. })));
    }

    #[test]
    fn a_release_without_notes_is_told_by_its_title() {
        let titled = |title: &str| Published { title: Some(title.to_owned()), ..release("v1.1.0", "") };
        let found = |title: &str| texts("1.0.0", "1.1.0", None, &[titled(title)]);
        assert_eq!(found("Faster by half"), ["v1.1.0 Faster by half"]);
        assert_eq!(found("v1.1.0"), [""; 0]);
    }

    #[test]
    fn so_much_is_read_and_no_more() {
        let large = format!("- first\n\n{}", "x".repeat(MOST_OF_ONE));
        let releases: Vec<Published> = (1..=40).map(|n| release(&format!("v1.{n}.0"), &large)).collect();
        let reach = Reach { current: "1.0.0", newest: "1.40.0", scheme: &Scheme::Auto, name: None };
        let found = between(reach, &releases).unwrap();
        assert_eq!((found.cut, found.changes.len()), (40, MOST / MOST_OF_ONE));
    }
}
