//! What a commit and a request carry so that they are known again: which bump it is, and a digest of what it
//! changes. A commit is ours only while it changes just what its mark says: whoever amended it keeps the mark,
//! and is told apart by that.

use super::branch;
use crate::digest;
use crate::lcm::bump::Moving;
use crate::model::ProductName;

/// Lines of a commit's message (git-interpret-trailers).
const BUMP: &str = "Tidegate-Bump: ";
const PRODUCT: &str = "Tidegate-Product: ";
const EDITS: &str = "Tidegate-Edits: ";

/// How the mark of a text begins, and how it ends.
const OPEN: &str = "<!-- tidegate bump edits=";
const TITLE: &str = " title=";
const CLOSE: &str = " -->";

/// Which bump a commit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The product.
    pub product: String,
    /// What moves, and to where.
    pub bump: String,
    /// The digest of what the commit changes.
    pub edits: String,
}

impl Mark {
    /// The mark of a bump that changes this.
    pub fn of(product: &ProductName, moving: &Moving, to: &str, edits: String) -> Self {
        Self { product: product.to_string(), bump: format!("{moving} {to}"), edits }
    }

    /// The mark in a commit's message, if there is one.
    pub fn read(message: &str) -> Option<Self> {
        let of = |key: &str| message.lines().rev().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        Some(Self { product: of(PRODUCT)?, bump: of(BUMP)?, edits: of(EDITS)? })
    }

    /// Whether both are of the same bump, whatever they change.
    pub fn is_same_bump(&self, other: &Self) -> bool {
        (&self.product, &self.bump) == (&other.product, &other.bump)
    }
}

/// The digest of what a commit changes: of paths with their modes and blobs, in order.
pub fn edits<'c>(changed: impl IntoIterator<Item = (&'c str, &'c str, &'c str)>) -> String {
    let lines = changed.into_iter().map(|(path, mode, blob)| format!("{mode} {blob} {path}\0"));
    digest::bytes(lines.collect::<String>().as_bytes()).to_string()
}

/// What a commit says.
pub fn message(mark: &Mark, step: &str) -> String {
    let Mark { product, bump, edits } = mark;
    let branch = branch::prefix_of(product);
    format!(
        "{product}: {bump}\n\n{step}\n\nWritten by `tidegate product bump --pr`, which may write a branch below \
         {branch} anew as long as nobody else has worked on it.\n\n{PRODUCT}{product}\n{BUMP}{bump}\n{EDITS}{edits}\n"
    )
}

/// A text that carries what it was written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The digest of the changes that it tells of.
    pub edits: String,
    /// Whether it is still what was written.
    pub is_intact: bool,
    /// The digest of the title that was written with it; texts of earlier builds have none.
    title: Option<String>,
}

impl Signed {
    /// A text with its mark, and with that of the title above it.
    pub fn sign(title: &str, text: &str, edits: &str) -> String {
        let text = text.trim_end();
        format!("{text}\n\n{OPEN}{edits} text={}{TITLE}{}{CLOSE}\n", of_text(text), of_text(title))
    }

    /// The mark of a text, if it has one.
    pub fn read(text: &str) -> Option<Self> {
        let (before, rest) = text.rsplit_once(OPEN)?;
        let (mark, behind) = rest.split_once(CLOSE)?;
        let (edits, written) = mark.split_once(" text=")?;
        let (written, title) = match written.split_once(TITLE) {
            Some((written, title)) => (written, Some(title.to_owned())),
            None => (written, None),
        };
        let is_intact = behind.trim().is_empty() && written == of_text(before);
        Some(Self { edits: edits.to_owned(), is_intact, title })
    }

    /// Whether a title is the one that was written with it. Of which nobody knows is a person's.
    pub fn wrote(&self, title: &str) -> bool {
        self.title.as_deref() == Some(of_text(title).as_str())
    }
}

/// The digest of a text as forges keep it: they may change line ends and what stands around it.
fn of_text(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    digest::bytes(lines.join("\n").as_bytes()).to_string()
}
