//! The generated half of the book: pages below docs/reference/ that say of commands, files, codes
//! and events what the code says. The test holds the pages in the tree against what the code says
//! now; `make reference` writes them anew.
#![allow(clippy::unwrap_used)]

mod commands;
mod events;
mod files;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tidegate::diag::codes;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/reference")
}

/// The head of every page.
fn head(title: &str, about: &str) -> String {
    format!("<!-- Written by `make reference`. Do not edit. -->\n\n# {title}\n\n{about}\n\n")
}

/// A text as one cell of a table: bars, line breaks and what looks like HTML mean nothing.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    let mut code = false;
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            '`' => {
                code = !code;
                cell.push(c);
            }
            '|' => cell.push_str("\\|"),
            '<' if !code => cell.push_str("&lt;"),
            _ => cell.push(c),
        }
    }
    cell
}

/// Every page by its file's name.
fn pages() -> BTreeMap<String, String> {
    let mut pages = files::pages();
    pages.insert("cli.md".to_owned(), commands::page());
    pages.insert("codes.md".to_owned(), codes_page());
    pages.insert("events.md".to_owned(), events::page());
    pages
}

fn codes_page() -> String {
    let mut page = head(
        "Codes",
        "Every finding has a code. Its number and name never change meaning. `tidegate explain CODE` \
         prints what stands here, offline.",
    );
    for range in [
        ("TG00", "Files and YAML"),
        ("TG01", "Kinds"),
        ("TG02", "The catalog"),
        ("TG03", "Versions, pins and plans"),
        ("TG04", "Rendering"),
        ("TG05", "Git, releases and locks"),
        ("TG06", "Clusters and applying"),
        ("TG07", "Rollouts"),
        ("TG08", "The journal and its driver"),
        ("TG09", "The tool and its environment"),
        ("TG10", "What is newer"),
    ] {
        page.push_str(&format!("## {}: {}\n\n", range.0, range.1));
        let mut found: Vec<_> = codes::all().filter(|code| code.id.starts_with(range.0)).collect();
        found.sort_by_key(|code| code.id);
        for code in found {
            // Two lines of text: a link to the number works in the book.
            page.push_str(&format!(
                "### {}\n\n`{}`: {}\n\n{}\n\n",
                code.id,
                code.name,
                prose(code.summary),
                prose(code.help)
            ));
            if let Some(example) = code.example() {
                page.push_str(&format!("```text\n{example}\n```\n\n"));
            }
        }
    }
    page.trim_end().to_owned() + "\n"
}

/// A paragraph in which nothing but code is marked.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut code = false;
    for c in text.chars() {
        code ^= c == '`';
        match c {
            '<' if !code => prose.push_str("&lt;"),
            '*' | '_' if !code => {
                prose.push('\\');
                prose.push(c);
            }
            _ => prose.push(c),
        }
    }
    prose
}

#[test]
fn the_reference_says_what_the_code_says() {
    let pages = pages();
    let folder = folder();
    if std::env::var_os("TIDEGATE_WRITE_REFERENCE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let mut wrong = Vec::new();
    for (name, text) in &pages {
        let there = fs::read_to_string(folder.join(name)).unwrap_or_default();
        if there == *text {
            continue;
        }
        let line = there.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
        let now = text.lines().nth(line).unwrap_or("(nothing)");
        wrong.push(format!("docs/reference/{name}:{}: the code says: {now}", line + 1));
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !pages.contains_key(&name) {
            wrong.push(format!("docs/reference/{name} is written by nothing"));
        }
    }
    assert!(wrong.is_empty(), "{}\nRun `make reference`, and commit what it writes.", wrong.join("\n"));
}

#[test]
fn every_code_stands_in_one_range_and_says_what_to_do() {
    let page = codes_page();
    for code in codes::all() {
        assert_eq!(page.matches(&format!("### {}\n", code.id)).count(), 1, "{}", code.id);
        assert!(code.example().is_some(), "src/diag/codes/examples.txt has no example of {}", code.id);
    }
}

#[test]
fn a_cell_is_one_line_in_one_column() {
    assert_eq!(cell("a | b\n  <c> `<d>`"), "a \\| b &lt;c> `<d>`");
    assert_eq!(prose("a_b `c_d` <e>"), "a\\_b `c_d` &lt;e>");
}
