//! Words of others in Markdown that is shown by GitHub and GitLab: they look as they were written, and do
//! nothing. A name behind `@` would tell somebody, `#1` would be written below somebody's issue (or close it),
//! and so would an address of one: between such a sign and what follows stands a character that nobody sees.

use crate::lcm::artifacthub::Link;
use crate::lcm::remote::Home;

/// A character without width, written so that people who edit the text see it.
const NOTHING: &str = "&#8203;";

/// Parts of addresses behind which forges keep what can be referred to.
const REFERRED: [&str; 13] = [
    "issues",
    "pull",
    "pulls",
    "discussions",
    "commit",
    "commits",
    "compare",
    "merge_requests",
    "work_items",
    "epics",
    "milestones",
    "snippets",
    "security",
];

/// A line of somebody else's as plain text.
pub fn text(foreign: &str) -> String {
    let line = one_line(foreign);
    let mut out = String::with_capacity(line.len() + 16);
    let mut rest = line.as_str();
    // At a line's beginning a slash is a command for GitLab.
    if rest.starts_with('/') {
        out.push_str(NOTHING);
    }
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        let is_live = match c {
            '@' | '#' | '!' | '~' | '$' | '%' | '^' | '&' => true,
            ':' => behind.starts_with("//"),
            '-' => ends_with_gh(&out) && behind.starts_with(|c: char| c.is_ascii_digit()),
            'w' | 'W' => behind.starts_with('.'),
            _ => false,
        };
        if is_live {
            out.push_str(NOTHING);
        }
        rest = behind;
    }
    out
}

/// Whether a text ends with `GH-`, which GitHub reads as `#`.
fn ends_with_gh(text: &str) -> bool {
    let end: String = text.chars().rev().take(3).collect();
    end.eq_ignore_ascii_case("-hg")
}

/// A text as code: nothing in it is read.
pub fn code(foreign: &str) -> String {
    let line = one_line(foreign);
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    match line.is_empty() {
        true => "(empty)".to_owned(),
        false => format!("{fence}{pad}{line}{pad}{fence}"),
    }
}

/// The same inside of a table, where a bar ends a cell even in code.
pub fn cell(foreign: &str) -> String {
    code(foreign).replace('|', "\\|")
}

/// A link that leaves no trace where it leads to.
pub fn link(link: &Link, home: &Home) -> String {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '`' | '\\');
    let Some((scheme, rest)) = link.url.split_once("://") else { return text(&link.name) };
    if !matches!(scheme, "https" | "http") || !link.url.chars().all(fits) {
        return text(&link.name);
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.to_ascii_lowercase();
    let bare = host.strip_prefix("www.").unwrap_or(&host);
    let path_only = path.split(['?', '#']).next().unwrap_or_default();
    let is_referred = path_only.split('/').any(|part| REFERRED.contains(&part));
    if is_referred && bare == home.remote.host {
        return match bare {
            // A host of GitHub's own that only leads on: no reference is seen.
            "github.com" => format!("[{}](<https://redirect.github.com/{path}>)", text(&link.name)),
            _ => code(&link.url),
        };
    }
    format!("[{}](<{}>)", text(&link.name), link.url)
}

fn one_line(foreign: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = foreign.chars().map(visible).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
