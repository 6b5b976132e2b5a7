//! No password, no token and nobody who logs in comes out of a config, whatever is wrong with it.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::tests::{EXAMPLE, imported};

/// Everything that anybody is shown of a config: files, what became of its keys, findings with their excerpts.
fn shown(text: &str) -> String {
    match imported(text) {
        Ok(imported) => {
            let files = [&imported.product, &imported.sources].map(|file| file.clone().unwrap_or_default());
            format!(
                "{}\n{}\n{}",
                files.join("\n"),
                serde_json::to_string(&imported).unwrap(),
                clean(&imported)
            )
        }
        Err(findings) => {
            let plain: Vec<String> = findings.iter().map(ToString::to_string).collect();
            format!("{}\n{}\n{findings:?}", plain.join("\n"), serde_json::to_string(&findings).unwrap())
                // The debug form of a place is its text's name and range; a source is not part of it.
                .replace("config.yaml", "")
        }
    }
}

fn clean(imported: &super::Imported) -> String {
    format!("{:?} {:?}", imported.taken, imported.left)
}

/// Everything secret in the example.
fn secrets() -> Vec<&'static str> {
    let words = EXAMPLE.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let found: Vec<&str> =
        words.filter(|word| word.starts_with("canary-") || word.ends_with("-reader")).collect();
    assert!(found.len() > 14, "{found:?}");
    found
}

#[test]
fn the_examples_secrets_stay_in_it() {
    let shown = shown(EXAMPLE);
    for secret in secrets() {
        assert!(!shown.contains(secret), "{secret} in\n{shown}");
    }
}

#[test]
fn what_a_comment_of_a_wrong_line_says_is_not_shown() {
    for text in ["images: \"a b\" # canary-comment\n", "# canary-comment\nimages: [\"a b\"]\n"] {
        let shown = shown(text);
        assert!(shown.contains("a b") && !shown.contains("canary"), "{shown}");
    }
}

#[test]
fn a_secret_that_an_alias_brings_elsewhere_stops_it_without_being_shown() {
    let text =
        "xray: { password: &p canary }\ngithub:\n  repos: [{ repo: a/b, version: *p }]\nimages: [canary]\n";
    let findings = imported(text).unwrap_err();
    assert_eq!(findings.len(), 2, "{findings}");
    assert!(!shown(text).contains("canary"), "{findings}");
}

#[test]
fn a_secret_read_as_something_else_is_not_shown() {
    for text in [
        "github:\n  credentials: canary\n",
        "github:\n  credentials: { token: !canary x }\n",
        "github:\n  credentials:\n    token: *canary\n",
        "github:\n  credentials:\n    token: a: canary\n",
        "github:\n  credentials:\n    token: [canary\n",
        "github:\n  credentials:\n    password: \"canary\\q\"\n",
        "github:\n  credentials:\n    password: canary\n    password: canary\n",
        "github: { credentials: { tokn: canary }, repos: canary-4 }\n",
        "app: { debug: canary, passphrase: canary }\n",
        "xray: { url: 'https://canary:canary@x.example', password: { canary: canary } }\n",
        "trivy: { url: 'https://x.example?token=canary' }\n",
        "images: ['canary:canary@r.example/a:1']\n",
        "imageRegistries: { overrideRegistries: [{ urls: ['canary@r.example'], registry: { url: 'canary@ x' } }] }\n",
        "imageRegistries: { quay: canary, dockerHub: { default: canary, authType: [canary] } }\n",
        "helmRegistries: { override: [{ registry: { url: 'ftp://a:canary@x' }, charts: [a] }] }\n",
    ] {
        let shown = shown(text);
        assert!(!shown.contains("canary"), "{text}\n{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_secret_comes_out_wherever_the_file_is_broken(at in 0..EXAMPLE.len(), what in "[\\[\\]{}:,&*!|>'\"%@`\t\n -]{1,3}") {
        let mut text = EXAMPLE.to_owned();
        text.insert_str(at, &what);
        let shown = shown(&text);
        // One that was cut in two, or whose key was, is another text.
        let line = EXAMPLE[..at].matches('\n').count();
        let near = |secret: &str| {
            EXAMPLE.lines().enumerate().any(|(number, text)| text.contains(secret) && number.abs_diff(line) <= 1)
        };
        for secret in secrets().into_iter().filter(|secret| !near(secret)) {
            prop_assert!(!shown.contains(secret), "{} in\n{}", secret, shown);
        }
    }
}
