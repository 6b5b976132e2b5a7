//! What is written into a request, and that nothing in it does anything.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::diag::{Place, Source};
use crate::lcm::artifacthub::Link;
use crate::lcm::bump::{Edit, Moving, Part};
use crate::lcm::changes::{Change, Changes, Kind, Sign, Weight};
use crate::lcm::remote::{Home, Remote};
use crate::lcm::version::Level;

fn home(text: &str) -> Home {
    text.parse::<Remote>().unwrap().home(None).unwrap()
}

fn moving() -> Moving {
    Moving::Image("docker.io/velero/velero".parse().unwrap())
}

#[test]
fn a_branch_tells_product_source_and_version() {
    let product = "backup".parse().unwrap();
    let of = |moving: &Moving, to: &str| branch(&product, moving, to);
    assert_eq!(of(&moving(), "v1.18.0"), "bump/backup/velero-velero-v1.18.0");
    assert_eq!(of(&Moving::Image("redis".parse().unwrap()), "8-alpine"), "bump/backup/redis-8-alpine");
    assert_eq!(of(&Moving::Chart("velero".into()), "1.2.3+up1"), "bump/backup/chart-velero-1.2.3-up1");
    assert_eq!(of(&Moving::Tool("github:a/b".into()), "v1..2.lock"), "bump/backup/tool-a-b-v1.2-lock");
}

proptest! {
    #[test]
    fn every_branch_is_one_that_git_takes(name in "\\PC{0,300}", to in "\\PC{0,40}") {
        let branch = branch(&"backup".parse().unwrap(), &Moving::Chart(name), &to);
        let last = branch.strip_prefix("bump/backup/").unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        prop_assert!(last.chars().all(plain) && !last.is_empty() && last.len() <= 205, "{}", branch);
        prop_assert!(!last.contains("..") && !last.starts_with('.') && !last.ends_with('.'), "{}", branch);
        prop_assert!(!last.ends_with(".lock"), "{}", branch);
    }

    #[test]
    fn nothing_of_anybody_s_is_live(foreign in "[ a-zA-Z0-9@#!~$%&:/.`\\[\\]()<>|\\\\GH-]{0,60}") {
        let text = neutral::text(&foreign);
        // What the reader sees is what was written.
        let seen = text.replace("&#8203;", "");
        let seen = seen.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let mut plain = String::new();
        let mut chars = seen.chars();
        while let Some(c) = chars.next() {
            plain.push(if c == '\\' { chars.next().unwrap() } else { c });
        }
        prop_assert_eq!(plain, foreign.split_whitespace().collect::<Vec<_>>().join(" "));
        let bare = text.replace("&#8203;", "\u{200b}").replace("&amp;", "&").replace('\\', "");
        let bare: Vec<char> = bare.chars().collect();
        for pair in bare.windows(2) {
            let live = matches!(pair[0], '@' | '#' | '!' | '~' | '$' | '%') && pair[1].is_ascii_alphanumeric();
            prop_assert!(!live, "{:?} in {}", pair, text);
        }
        prop_assert!(!text.contains("://") && !text.contains("www."), "{}", text);
        prop_assert!(!text.starts_with('/'), "{}", text);
    }

    #[test]
    fn code_ends_where_it_should(foreign in "[ a`|@#]{0,20}") {
        let code = neutral::code(&foreign);
        let fence: String = code.chars().take_while(|c| *c == '`').collect();
        if !fence.is_empty() {
            let inner = code.strip_prefix(&fence).unwrap().strip_suffix(&fence).unwrap();
            prop_assert!(!inner.split(|c| c != '`').any(|run| run.len() == fence.len()), "{}", code);
        }
    }
}

#[test]
fn words_of_others_mention_nobody_and_close_nothing() {
    for (foreign, shown) in [
        ("thanks @ada", "thanks @&#8203;ada"),
        ("fixes #12, closes GH-7", "fixes \\#&#8203;12, closes GH-&#8203;7"),
        ("see a/b#1 and !5 and ~bug", "see a/b\\#&#8203;1 and \\!&#8203;5 and \\~&#8203;bug"),
        ("&#64;ada <b>", "&amp;&#8203;\\#&#8203;64;ada &lt;b&gt;"),
        ("/close\n/assign me", "&#8203;/close /assign me"),
        ("closes https://github.com/a/b/issues/1", "closes https:&#8203;//github.com/a/b/issues/1"),
    ] {
        assert_eq!(neutral::text(foreign), shown);
    }
}

#[test]
fn a_link_leaves_no_trace_at_the_issue_that_it_leads_to() {
    let (hub, lab) = (home("git@github.com:acme/platform.git"), home("git@gitlab.com:acme/platform.git"));
    let of = |url: &str, home: &Home| neutral::link(&Link { name: "#1".into(), url: url.into() }, home);
    assert_eq!(
        of("https://github.com/a/b/issues/1", &hub),
        "[\\#&#8203;1](<https://redirect.github.com/a/b/issues/1>)"
    );
    assert_eq!(
        of("https://github.com/a/b/issues/1", &lab),
        "[\\#&#8203;1](<https://github.com/a/b/issues/1>)"
    );
    assert_eq!(of("https://gitlab.com/a/b/-/issues/1", &lab), "`https://gitlab.com/a/b/-/issues/1`");
    assert_eq!(
        of("https://github.com/a/b/releases/tag/v1", &hub),
        "[\\#&#8203;1](<https://github.com/a/b/releases/tag/v1>)"
    );
    for odd in ["javascript:alert(1)", "https://x/>)(", "file:///etc/passwd"] {
        assert_eq!(of(odd, &hub), "\\#&#8203;1", "{odd}");
    }
}

fn mark(edits: &str) -> Mark {
    Mark::of(&"backup".parse().unwrap(), &moving(), "v1.18.0", edits.to_owned())
}

#[test]
fn a_commit_is_known_again_by_what_it_says() {
    let digest = edits([("products/backup/product.yaml", "100644", "abc")]);
    assert_ne!(digest, edits([("products/backup/product.yaml", "100755", "abc")]));
    let written = message(&mark(&digest), "docker.io/velero/velero v1.17.0 -> v1.18.0");
    assert!(written.starts_with("backup: docker.io/velero/velero v1.18.0\n\n"), "{written}");
    let read = Mark::read(&written).unwrap();
    assert!(read == mark(&digest) && read.is_same_bump(&mark("other")));
    let other = Mark::of(&"backup".parse().unwrap(), &moving(), "v1.18.1", digest);
    assert!(!read.is_same_bump(&other));
    assert_eq!(Mark::read("backup: by hand\n"), None);
}

#[test]
fn a_text_is_known_again_and_so_is_that_somebody_changed_it() {
    let signed = Signed::sign("A bump", "One\n\nTwo  \n", "sha256:1");
    let read = |text: &str| Signed::read(text).map(|found| (found.edits, found.is_intact));
    let same = Some(("sha256:1".to_owned(), true));
    assert_eq!(read(&signed), same);
    assert_eq!(read(&signed.replace('\n', "\r\n")), same);
    assert_eq!(read(signed.trim()), same);
    assert_eq!(read(&signed.replace("Two", "Too")), Some(("sha256:1".to_owned(), false)));
    assert_eq!(read(&format!("{signed}\nAnd more")), Some(("sha256:1".to_owned(), false)));
    assert_eq!(read("by hand"), None);
}

#[test]
fn a_title_of_a_person_is_told_from_ours() {
    let signed = Signed::sign("A bump", "One", "sha256:1");
    let read = Signed::read(&signed).expect("it has a mark");
    assert!(read.is_intact && read.wrote("A bump ") && !read.wrote("Draft: A bump"));
    // Earlier builds wrote none: whose it is is not known.
    let end = signed.find(" title=").expect("a title");
    let before = Signed::read(&format!("{} -->", &signed[..end])).expect("it has a mark");
    assert!(before.is_intact && !before.wrote("A bump"));
}

fn evidence(changes: usize) -> Evidence {
    let link = Link {
        name: "v1.18.0".into(),
        url: "https://github.com/velero-io/velero/releases/tag/v1.18.0".into(),
    };
    let change = |number: usize| Change {
        version: "v1.18.0".into(),
        kind: Kind::Breaking,
        text: format!("The flag `--old-{number}` is gone, see #1, by @ada {}", "*".repeat(150)),
        links: vec![link.clone()],
    };
    let proof = crate::lcm::changes::Evidence {
        weight: Weight::Likely,
        sign: Sign::Breaking,
        version: Some("v1.18.0".into()),
        text: "The flag `--old` is gone".into(),
        links: vec![link.clone()],
    };
    Evidence {
        changes: Some(Changes {
            changes: (0..changes).map(change).collect(),
            evidence: vec![proof],
            breaking: Some(Weight::Likely),
            cut: 3,
            ..Changes::default()
        }),
        support: vec![("v1.17.0".into(), "velero 1.17: support ended".into())],
        kubernetes: vec!["the fleet runs 1.35.3".into()],
        digest: Some(format!("sha256:{}", "a".repeat(64))),
        silent: vec!["docker.io: not let in".into()],
        ..Evidence::default()
    }
}

fn written(changes: usize, edits: usize) -> String {
    let source = Source::new("products/backup/agent/backup.yaml.j2", "image: velero/velero:v1.17.0\n");
    let edit = Edit {
        place: Place::new(&source, 7, 28),
        field: "spec.containers[0].image".into(),
        part: Part::Image,
        old: "velero/velero:v1.17.0".into(),
        new: "velero/velero:v1.18.0".into(),
    };
    let (product, moving) = ("backup".parse().unwrap(), moving());
    let (before, now) = ("2.0.0".parse().unwrap(), "2.1.0".parse().unwrap());
    let all = vec![edit; edits];
    let bumping = Bumping {
        product: &product,
        owner: "storage",
        source: &moving,
        from: "v1.17.0",
        to: "v1.18.0",
        level: Some(Level::Minor),
        version: (&before, &now),
        edits: &all,
        files: vec!["products/backup/CHANGELOG.md"],
        left: &[],
        unlisted: 0,
    };
    assert_eq!(title(&bumping), "backup: docker.io/velero/velero v1.17.0 -> v1.18.0");
    body(
        &bumping,
        &evidence(changes),
        &home("git@github.com:acme/platform.git"),
        "bump/backup/velero-velero-v1.18.0",
    )
}

#[test]
fn whoever_decides_reads_what_changes_and_why_it_is_dangerous() {
    let text = written(1, 1);
    for part in [
        "`docker.io/velero/velero` goes from `v1.17.0` to `v1.18.0`, a minor step. Product `backup` of `storage` goes from 2.0.0 to 2.1.0.",
        "**It may break something** (likely)",
        "| `products/backup/agent/backup.yaml.j2:1` | `spec.containers[0].image` | `velero/velero:v1.17.0` | `velero/velero:v1.18.0` |",
        "| `products/backup/CHANGELOG.md` | - | - | a new entry |",
        "- likely `v1.18.0`: The flag \\`--old\\` is gone ([v1.18.0](<https://github.com/velero-io/velero/releases/tag/v1.18.0>))",
        "see \\#&#8203;1, by @&#8203;ada",
        "and 3 more",
        "- `v1.17.0`: velero 1.17: support ended",
        "- the fleet runs 1.35.3",
        "`docker.io/velero/velero:v1.18.0` names `sha256:aaaa",
        "- docker.io: not let in",
        "tidegate check",
        "tidegate plan",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_text_is_never_longer_than_a_forge_takes() {
    for (changes, edits) in [(500, 1), (10, 5000), (2000, 2000)] {
        let text = written(changes, edits);
        assert!(text.chars().count() <= 60_000, "{}", text.len());
        assert!(text.contains("How to go on") && text.contains("more\n"));
    }
}

#[test]
fn which_vulnerabilities_the_new_version_mends_and_brings_is_said_of_that_version_alone() {
    use crate::report::weekly::security::{Change, Found, Security, Update};
    use crate::scan::vulnerabilities::{Counts, Severity};
    let found = |id: &str, change| Found {
        id: id.parse().unwrap(),
        severity: Severity::High,
        exploited: None,
        due: None,
        ransomware: false,
        packages: vec!["openssl 3.0.1".into()],
        fixed_in: Vec::new(),
        fixable: false,
        change,
        acceptance: None,
        link: None,
    };
    let said = |to: &str| {
        let one: Counts = [Severity::High].into_iter().collect();
        let update =
            Update { to: to.into(), fixed: one, new: one, remaining: Counts::default(), unsettled: 0 };
        let accepted = |found: Found, id: &str| Found { acceptance: Some(id.parse().unwrap()), ..found };
        let findings = vec![
            found("CVE-2026-1", Change::Fixed),
            found("CVE-2026-2", Change::New),
            found("CVE-2026-3", Change::Remaining),
            accepted(found("CVE-2026-7777", Change::Fixed), "RISK-2"),
            accepted(found("CVE-2026-8888", Change::Remaining), "RISK-2"),
            accepted(found("CVE-2026-9999", Change::Remaining), "RISK-1"),
        ];
        body::vulnerabilities_of(
            "v1.18.0",
            &Security { update: Some(update), findings, ..Security::default() },
        )
    };
    let lines = said("docker.io/velero/velero:v1.18.0").join("\n");
    assert!(lines.contains("It mends 1, brings 1 and leaves 0"), "{lines}");
    assert!(lines.contains("mended: CVE-2026-1") && lines.contains("new: CVE-2026-2"), "{lines}");
    assert!(!lines.contains("CVE-2026-3"), "{lines}");
    assert!(!lines.contains("CVE-2026-7777"), "it is in no count: {lines}");
    assert!(lines.contains("\n- 1 of what it mends is accepted (RISK-2)"), "{lines}");
    assert!(lines.contains("\n- 2 of what it leaves are accepted (RISK-1, RISK-2)"), "{lines}");
    assert!(!lines.contains("what it brings"), "{lines}");
    assert_eq!(said("docker.io/velero/velero:v1.19.0"), Vec::<String>::new());
}
