//! Pages as a reader sees them: which blocks a page has, which commands stand in its console
//! blocks, and whether an output is the one that a page shows.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// One page of documentation.
pub struct Page {
    /// Its path from the repository's root.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A fenced block.
pub struct Block {
    /// The word behind the fence.
    pub language: String,
    /// The line of the page on which its first line stands.
    pub line: usize,
    /// Its lines.
    pub lines: Vec<String>,
}

/// A command in a console block, with what the page says about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// The line of the page on which it stands.
    pub line: usize,
    /// What is typed.
    pub text: String,
    /// The exit code; `# exit code N` behind the command says another one than 0.
    pub exit: i32,
    /// What the page shows of its output; nothing means that the page does not say.
    pub shown: Vec<String>,
}

/// The set-up commands: they build and test the whole repository, this test included.
const SET_UP: [&str; 2] = ["make demo", "make test"];

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// README, CONTRIBUTING, CHANGELOG and everything below docs/, in order of paths.
pub fn all() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|p| root().join(p)).into();
    below(&root().join("docs"), "md", &mut paths);
    paths.sort();
    let page = |path: PathBuf| Page {
        text: fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
        path: path.strip_prefix(root()).unwrap().display().to_string(),
    };
    paths.into_iter().map(page).collect()
}

/// The page at a path.
pub fn page(path: &str) -> Page {
    all().into_iter().find(|p| p.path == path).unwrap_or_else(|| panic!("there is no page {path}"))
}

/// The files with an ending below a folder.
pub fn below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
}

impl Page {
    /// The clusters that it needs: its first comment is `<!-- clusters: a, b -->`.
    pub fn clusters(&self) -> Vec<&str> {
        let comment = self.text.split_once("<!--").and_then(|(_, rest)| rest.split_once("-->"));
        let Some(names) = comment.and_then(|(c, _)| c.trim().strip_prefix("clusters:")) else {
            return Vec::new();
        };
        names.split(',').map(str::trim).collect()
    }

    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let mut found: Vec<Block> = Vec::new();
        let mut open = false;
        for (number, line) in self.text.lines().enumerate() {
            match line.trim_start().strip_prefix("```") {
                Some(_) if open => open = false,
                Some(language) => {
                    open = true;
                    found.push(Block {
                        language: language.trim().to_owned(),
                        line: number + 2,
                        lines: Vec::new(),
                    });
                }
                None if open => found.last_mut().unwrap().lines.push(line.to_owned()),
                None => {}
            }
        }
        assert!(!open, "{}: the last fence is not closed", self.path);
        found
    }

    /// The commands of its console blocks, without the two of the set-up.
    pub fn commands(&self) -> Vec<Command> {
        let console = self.blocks().into_iter().filter(|b| b.language == "console");
        let commands = console.flat_map(|block| commands(&self.path, &block));
        commands.filter(|c| !SET_UP.contains(&c.text.as_str())).collect()
    }
}

fn commands(path: &str, block: &Block) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    // What a command still needs: the end of a text given to it, or the next line.
    let mut until: Option<String> = None;
    let mut goes_on = false;
    for (offset, line) in block.lines.iter().enumerate() {
        if let Some(command) = found.last_mut().filter(|_| goes_on || until.is_some()) {
            command.text.push('\n');
            command.text.push_str(line);
            match &until {
                Some(end) if line == end => until = None,
                Some(_) => {}
                None => goes_on = line.ends_with('\\'),
            }
            continue;
        }
        let Some(typed) = line.strip_prefix("$ ") else {
            let command = found.last_mut();
            let Some(command) = command else {
                panic!("{path}:{}: output before a command", block.line + offset)
            };
            command.shown.push(line.clone());
            continue;
        };
        let (text, exit) = match typed.rsplit_once("# exit code ") {
            Some((text, code)) => (text.trim_end(), code.trim().parse().expect("an exit code")),
            None => (typed, 0),
        };
        until = text.split_once("<<").map(|(_, end)| end.trim_matches(['\'', '"', ' ']).to_owned());
        goes_on = text.ends_with('\\');
        found.push(Command { line: block.line + offset, text: text.to_owned(), exit, shown: Vec::new() });
    }
    assert!(until.is_none() && !goes_on, "{path}:{}: the last command has no end", block.line);
    found
}

/// Whether an output is what a page shows: `...` on a line of its own is any number of lines, `...`
/// in a line is any text, spaces at the ends of lines don't count.
pub fn shows(shown: &[String], output: &str) -> bool {
    let shown: Vec<&str> = shown.iter().map(|l| l.trim_end()).collect();
    let output: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
    lines_fit(&shown, &output)
}

fn lines_fit(shown: &[&str], output: &[&str]) -> bool {
    match shown.split_first() {
        None => output.is_empty(),
        Some((&"...", rest)) => (0..=output.len()).any(|skipped| lines_fit(rest, &output[skipped..])),
        Some((line, rest)) => output
            .split_first()
            .is_some_and(|(first, others)| line_fits(line, first) && lines_fit(rest, others)),
    }
}

fn line_fits(shown: &str, line: &str) -> bool {
    match shown.split_once("...") {
        None => shown == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_fits(after, &rest[at..]))
        }),
    }
}

#[test]
fn commands_are_told_from_their_output_and_texts_given_to_them() {
    let text = "```console\n$ one --flag   # exit code 11\nsaid\n$ cat > x <<'END'\na: $ 1\n\nEND\n$ two \\\n    more\n```\n\n```sh\n$ not this\n```\n";
    let page = Page { path: "x.md".to_owned(), text: text.to_owned() };
    let command = |line, text: &str, exit, shown: &[&str]| Command {
        line,
        text: text.to_owned(),
        exit,
        shown: shown.iter().map(|s| (*s).to_owned()).collect(),
    };
    assert_eq!(
        page.commands(),
        [
            command(2, "one --flag", 11, &["said"]),
            command(4, "cat > x <<'END'\na: $ 1\n\nEND", 0, &[]),
            command(8, "two \\\n    more", 0, &[]),
        ]
    );
}

#[test]
fn dots_stand_for_lines_and_for_parts_of_a_line() {
    let shown = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    assert!(shows(&shown(&["a", "...", "z"]), "a\nb\nc\nz\n"));
    assert!(shows(&shown(&["a ... c"]), "a or b c"));
    assert!(shows(&shown(&["..."]), ""));
    assert!(!shows(&shown(&["a", "z"]), "a\nb\nz"));
    assert!(!shows(&shown(&["a", "...", "z"]), "a\nb"));
    assert!(!shows(&shown(&["a ... c"]), "a or b"));
}
