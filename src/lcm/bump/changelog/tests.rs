//! Entries in changelogs of all styles.

#![allow(clippy::unwrap_used)]
use super::*;
use proptest::collection;
use proptest::prelude::*;

fn add(before: Option<&str>, version: &str) -> String {
    let entry = Entry {
        version: &version.parse().unwrap(),
        on: "2026-11-22".parse().unwrap(),
        moving: &Moving::Image("quay.io/a/b".parse().unwrap()),
        from: "v1",
        to: "v2",
        evidence: &["https://example.com/notes".to_owned(), "two\nlines\u{1b}[1m".to_owned()],
    };
    written(before, &entry)
}

const LINES: &str = "- `quay.io/a/b` v1 -> v2\n  - https://example.com/notes\n  - two lines [1m\n";

#[test]
fn a_product_without_one_gets_one() {
    let expected = format!("# Changelog\n\n## [1.2.3] - 2026-11-22\n\n### Changed\n\n{LINES}");
    assert_eq!(add(None, "1.2.3"), expected);
}

#[test]
fn an_entry_stands_above_the_newest_and_below_what_is_unreleased() {
    let before = "# Changes\n\n## [Unreleased]\n\n- x\n\n## [1.2.2] - 2026-01-02\n\n### Fixed\n\n- y\n";
    let entry = format!("## [1.2.3] - 2026-11-22\n\n### Changed\n\n{LINES}\n## [1.2.2]");
    assert_eq!(add(Some(before), "1.2.3"), before.replace("## [1.2.2]", &entry));
}

#[test]
fn it_is_written_as_the_others_are() {
    for (old, new) in [
        ("## 1.2.2 (2026-01-02)", "## 1.2.3 (2026-11-22)"),
        ("## v1.2.2 - 2026-01-02", "## v1.2.3 - 2026-11-22"),
        ("# 1.2.2", "# 1.2.3"),
        ("## [1.2.2](https://example.com/1.2.2) (2026-01-02)", "## [1.2.3] (2026-11-22)"),
        ("## Version 1.2.2", "## Version 1.2.3"),
        ("## Backup 1.2.2 - 2026/01/02", "## Backup 1.2.3 - 2026/11/22"),
        ("## backup@1.2.2", "## backup@1.2.3"),
        ("## 2026-01-02 1.2.2", "## 2026-11-22 1.2.3"),
        ("1.2.2\n-----", "1.2.3\n-----"),
        ("v1.2.2 (2026-01-02)\n===", "v1.2.3 (2026-11-22)\n==================="),
        ("#### 1.2.2", "#### 1.2.3"),
        ("## 1.2", "## 1.2.3"),
        ("## [v1.2.2](https://example.com/v1.2.2) (2026-01-02)", "## [v1.2.3] (2026-11-22)"),
        ("## <a name=\"1.2.2\"></a>1.2.2", "## <a name=\"1.2.3\"></a>1.2.3"),
        ("## **1.2.2**", "## **1.2.3**"),
        ("## 1.2.2: the one with the fox", "## [1.2.3] - 2026-11-22"),
    ] {
        let before = format!("```\n## [9.9.9] - 2020-01-01\n```\n\n{old}\n\n* y\n");
        let lines = LINES.replace("- `", "* `").replace("  - ", "  * ");
        let expected = before.replace(old, &format!("{new}\n\n{lines}\n{old}"));
        assert_eq!(add(Some(&before), "1.2.3"), expected);
    }
}

#[test]
fn line_breaks_and_a_mark_at_the_beginning_stay() {
    let before = "\u{feff}# Changelog\r\n\r\n## 1.2.2\r\n\r\n- y\r\n";
    let after = add(Some(before), "1.2.3");
    assert!(after.starts_with("\u{feff}# Changelog\r\n\r\n## 1.2.3\r\n\r\n- `quay"), "{after:?}");
    assert!(after.ends_with("\r\n## 1.2.2\r\n\r\n- y\r\n"));
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
}

#[test]
fn a_version_that_has_its_section_gets_lines_more() {
    let once = add(None, "1.2.3");
    assert_eq!(add(Some(&once), "1.2.3"), format!("{once}{LINES}"));
    let followed = add(Some("# C\n\n## [1.2.3] - 2026-01-01\n\n- y\n\n## [1.2.2] - 2025-01-01\n"), "1.2.3");
    let expected = format!("# C\n\n## [1.2.3] - 2026-01-01\n\n- y\n{LINES}\n## [1.2.2] - 2025-01-01\n");
    assert_eq!(followed, expected);
}

#[test]
fn a_text_without_a_break_at_its_end_is_not_glued_to() {
    let after = add(Some("# C\n\nAll of it."), "1.2.3");
    assert!(after.starts_with("# C\n\nAll of it.\n\n## [1.2.3] - "), "{after}");
}

#[test]
fn the_last_section_without_a_break_at_its_end_is_not_glued_to() {
    assert_eq!(add(Some("# C\n\n## 2.1.0"), "2.1.0"), format!("# C\n\n## 2.1.0\n\n{LINES}"));
    assert_eq!(add(Some("# C\n\n## 2.1.0\n\n- y"), "2.1.0"), format!("# C\n\n## 2.1.0\n\n- y\n{LINES}"));
    let windows = add(Some("# C\r\n\r\n## 2.1.0\r\n\r\n- y"), "2.1.0");
    assert_eq!(windows, format!("# C\n\n## 2.1.0\n\n- y\n{LINES}").replace('\n', "\r\n"));
}

#[test]
fn lines_stay_in_the_section_of_their_version() {
    for mark in ["#", "##", "###", "####"] {
        let before = format!("{mark} 2.1.0\n\nSome text.\n\n{mark} 2.0.0\n\n- y\n");
        let expected = before.replace("text.\n", &format!("text.\n\n{LINES}"));
        assert_eq!(add(Some(&before), "2.1.0"), expected);
    }
    let before = "2.1.0\n=====\n\n2.0.0\n=====\n\n- y\n";
    assert_eq!(add(Some(before), "2.1.0"), before.replacen("=====\n", &format!("=====\n\n{LINES}"), 1));
    let patches = "## 2.1.0\n\n### 2.0.1\n\n- y\n";
    assert_eq!(add(Some(patches), "2.1.0"), patches.replace("2.1.0\n", &format!("2.1.0\n\n{LINES}")));
}

#[test]
fn lines_go_to_what_changed_and_to_no_other_category() {
    let before = "# C\n\n## 2.1.0\n\n### Fixed\n\n- a\n\n### Changed\n\n- b\n\n## 2.0.0\n\n- c\n";
    assert_eq!(add(Some(before), "2.1.0"), before.replace("- b\n", &format!("- b\n{LINES}")));
    let before = "# C\n\n## 2.1.0\n\n### Added\n\n- a\n\n### Fixed\n\n- b\n";
    let changed = format!("### Changed\n\n{LINES}\n### Fixed");
    assert_eq!(add(Some(before), "2.1.0"), before.replace("### Fixed", &changed));
    let before = "# 2.1.0\n\n## Added\n\n  * a";
    let lines = LINES.replace("- `", "* `").replace("  - ", "  * ");
    assert_eq!(add(Some(before), "2.1.0"), format!("{before}\n\n## Changed\n\n{lines}"));
}

#[test]
fn nothing_goes_into_what_is_no_heading() {
    for hidden in [
        "<!--\n## 9.9.9\n\n- x\n-->",
        "<!--\n\n## 2.1.0\n\n-->",
        "~~~\n## 2.1.0\n```\n## 2.1.0\n~~~",
        "````\n```\n## 2.1.0\n````",
        "    ## 2.1.0",
        "> ## 2.1.0",
        "- a\n\n  ## 2.1.0",
    ] {
        let before = format!("# C\n\n{hidden}\n\n## 2.0.0\n\n* y\n");
        let after = add(Some(&before), "2.1.0");
        let (head, tail) = before.split_once("## 2.0.0").unwrap();
        assert!(after.starts_with(&format!("{head}## 2.1.0\n\n")), "{after}");
        assert!(after.ends_with(&format!("\n\n## 2.0.0{tail}")), "{after}");
    }
    for open in ["<!--\n\n## 2.0.0\n", "~~~\n## 2.0.0\n", "```\n", "<!-- a --> <!--\n"] {
        let expected = format!("# C\n\n## [2.1.0] - 2026-11-22\n\n{LINES}\n{open}");
        assert_eq!(add(Some(&format!("# C\n\n{open}")), "2.1.0"), expected);
    }
}

#[test]
fn without_a_version_seen_the_place_is_below_the_title() {
    for (title, rest) in [
        ("# C\n", "\n**2.0.0**\n\n- y\n"),
        ("# C\n", "\nVersion 2.0.0, in May\n\n- y\n"),
        ("---\ntitle: 1.0.0\n---\n# C\n\nAll that is new.\n", "\n[2.0.0]: https://example.com/2.0.0\n"),
        ("<!-- 1.0.0 -->\n\n# C\n", "\n| version | what |\n| --- | --- |\n| 2.0.0 | y |\n"),
        ("# Changes of Agent 2\n", "\n<details>\n## 2.0.0\n</details>\n"),
        ("# C\n\nSee [the rules](https://example.com/1.1.0) and what they say.\n", "\n* 2.0.0: y\n"),
        ("# C\n", "\n## What comes\n\n- y\n"),
    ] {
        let after = add(Some(&format!("{title}{rest}")), "2.1.0");
        assert!(after.starts_with(&format!("{title}\n## [2.1.0] - 2026-11-22\n\n")), "{after}");
        assert!(after.ends_with(rest), "{after}");
    }
}

#[test]
fn what_is_unreleased_stays_above_also_where_no_version_follows() {
    let before = "# C\n\n## [Unreleased]\n\n### Moves to Kubernetes 1.31\n\n- y\n";
    let links = "\n[Unreleased]: https://example.com/2.0.0...main\n";
    let section = format!("\n## [2.1.0] - 2026-11-22\n\n{LINES}");
    assert_eq!(add(Some(&format!("{before}{links}")), "2.1.0"), format!("{before}{section}{links}"));
    let unsure = "# C\n\n## Unreleased\n\n**2.0.0**\n\n- y\n";
    assert_eq!(add(Some(unsure), "2.1.0"), unsure.replacen("# C\n", &format!("# C\n{section}"), 1));
}

#[test]
fn a_number_makes_no_version_of_a_title_or_of_a_subject() {
    let before = "# Agent 2.0\n\n## 2.0.0\n\n### Needs Kubernetes 1.31\n\n- y\n\n## 1.9.0\n";
    let section = format!("## 2.1.0\n\n### Changed\n\n{LINES}\n## 2.0.0");
    assert_eq!(add(Some(before), "2.1.0"), before.replace("## 2.0.0", &section));
    let before = "# C\n\n## 2.2.0\n\n### Needs base 2.1.0\n\n- y\n";
    assert!(add(Some(before), "2.1.0").starts_with("# C\n\n## 2.1.0\n\n### Changed\n\n"));
}

#[test]
fn a_section_that_may_be_a_newer_versions_stays_below() {
    for newest in ["## Release 21", "## v3", "## 2026-03-04", "## 2.0.x and more", "## 2.0.0 for everybody"] {
        let before = format!("# C\n\n{newest}\n\n- x\n\n## 2.0.0\n\n- y\n");
        let section = format!("## 2.1.0\n\n{LINES}\n{newest}");
        assert_eq!(add(Some(&before), "2.1.0"), before.replace(newest, &section));
    }
}

#[test]
fn the_file_that_is_there_is_taken_in_any_case_of_its_name() {
    let mut folder = Tree::default();
    assert_eq!(file(&folder), ("CHANGELOG.md", None));
    let content = File { bytes: b"# C\n".as_slice().into(), executable: false };
    folder.insert("Changelog.md", content.clone());
    folder.insert("chart/changelog.md", content.clone());
    assert_eq!(file(&folder), ("Changelog.md", Some(&content)));
    folder.insert("CHANGELOG.md", content.clone());
    assert_eq!(file(&folder), ("CHANGELOG.md", Some(&content)));
}

/// How a version's section is headed, for one day.
const STYLES: [&str; 14] = [
    "# {}",
    "## {}",
    "### {}",
    "#### v{}",
    "## [{}] - 2026-01-02",
    "## {} (2026-01-02)",
    "## Version {}",
    "## Backup {}",
    "## 2026-01-02 {}",
    "{}\n-----",
    "{}\n=====",
    "## [v{}](https://example.com/{}) (2026-01-02)",
    "## <a name=\"{}\"></a>{}",
    "## {} / 2026-01-02",
];

const BODIES: [&str; 8] = [
    "- y\n",
    "* y\n  more\n* z\n",
    "Some text.\n",
    "",
    "##### Fixed\n\n- y\n\n##### Changed\n\n- z\n",
    "<!--\n## 7.0.0\n-->\n\n- y\n",
    "~~~\n## 8.0.0\n~~~\n",
    "1. y\n2. z\n",
];

const HEADS: [&str; 5] = [
    "",
    "# Changelog\n\n",
    "---\ntitle: x\n---\n\n# Changes\n\nSee https://example.com/1.0.0 for more of it.\n\n",
    "<!-- 9.0.0 -->\n\n# Changelog\n\n",
    "# Changelog\n\n<!--\n## 9.0.0\n-->\n\n",
];

/// A changelog with sections of these versions, 3.0.0 the newest, in one style.
fn changelog() -> impl Strategy<Value = (String, Vec<String>)> {
    let bodies = collection::vec(0..BODIES.len(), 0..4);
    (0..STYLES.len(), bodies, 0..HEADS.len(), any::<[bool; 4]>()).prop_map(|(style, bodies, head, odd)| {
        let [windows, marked, cut, links] = odd;
        let mut text = HEADS[head].to_owned();
        let mut headings = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            let heading = STYLES[style].replace("{}", &format!("3.{}.0", 5 - number));
            text.push_str(&format!("{heading}\n\n{}\n", BODIES[*body]));
            headings.push(heading);
        }
        if links {
            text.push_str("[3.0.0]: https://example.com/3.0.0\n");
        }
        let text = if cut { text.trim_end().to_owned() } else { text };
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        (format!("{}{text}", if marked { "\u{feff}" } else { "" }), headings)
    })
}

/// The lines of `new` that are not those of `old`, if they are one block.
fn block<'a>(old: &'a str, new: &'a str) -> Option<String> {
    let lines = |text: &'a str| text.trim_start_matches('\u{feff}').lines().collect::<Vec<&str>>();
    let (old, new) = (lines(old), lines(new));
    let more = new.len().checked_sub(old.len())?;
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail = new.get(same + more..)?;
    (old.get(same..)? == tail).then(|| new[same..same + more].join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_block_more_above_all_older_versions((before, headings) in changelog(), again in any::<bool>()) {
        let version = if again && !headings.is_empty() { "3.5.0" } else { "3.6.0" };
        let after = add(Some(&before), version);
        let new = block(&before, &after).ok_or_else(|| TestCaseError::fail(format!("{before}\n---\n{after}")))?;
        prop_assert_eq!(new.matches("v1 -> v2").count(), 1);
        prop_assert_eq!(before.starts_with('\u{feff}'), after.starts_with('\u{feff}'));
        prop_assert!(!before.contains("\r\n") || after.matches('\n').count() == after.matches("\r\n").count());
        let lines = after.replace("\r\n", "\n");
        let at = lines.find("v1 -> v2").unwrap_or_default();
        let own = usize::from(version == "3.5.0");
        prop_assert_eq!(new.contains("3.6.0"), own == 0);
        for (number, heading) in headings.iter().enumerate() {
            let older = lines.find(heading.as_str()).unwrap_or_default();
            prop_assert!((number < own) == (older < at), "{}", after);
        }
        let links = lines.find("[3.0.0]:").unwrap_or(lines.len());
        prop_assert!(at < links, "{}", after);
        let twice = add(Some(&after), version);
        prop_assert_eq!(twice.matches("v1 -> v2").count(), 2);
        prop_assert_eq!(twice.matches("3.6.0").count(), after.matches("3.6.0").count());
    }

    #[test]
    fn no_text_makes_it_lose_a_byte(before in "(?s)[-#*=`~<>! \n\r\t1.0vé\u{feff}\\[\\]():|]{0,80}") {
        let after = add(Some(&before), "1.0.0");
        prop_assert_eq!(after.matches("v1 -> v2").count(), 1);
        let same = before.bytes().zip(after.bytes()).take_while(|(old, new)| old == new).count();
        let behind = before.bytes().rev().zip(after.bytes().rev()).take_while(|(old, new)| old == new).count();
        prop_assert!(same + behind >= before.len(), "{:?}\n{:?}", before, after);
    }
}
