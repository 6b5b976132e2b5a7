//! Sources on a real disk and as real commands.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::{CommandSource, KubeconfigSource};

fn kubeconfig(path: &str) -> Source {
    Source::Kubeconfig(KubeconfigSource {
        path: Spanned::placeless(path.to_owned()),
        labels: [("env".to_owned(), "lab".to_owned())].into(),
    })
}

fn command(words: &[&str]) -> Source {
    Source::Command(CommandSource {
        command: words.iter().map(|word| Spanned::placeless((*word).to_owned())).collect(),
    })
}

#[tokio::test]
async fn every_context_of_a_kubeconfig_file_is_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let text = "contexts:\n- {name: b, context: {cluster: x}}\n- {name: a, context: {cluster: y}}\n";
    std::fs::write(folder.path().join("k"), text).unwrap();
    let found = clusters(&kubeconfig("k"), folder.path(), None).await.unwrap();
    let names: Vec<String> = found.iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(found[0].plain_labels()["env"], "lab");
    assert_eq!(found[1].kubeconfig.context.as_deref().map(String::as_str), Some("a"));
}

#[tokio::test]
async fn a_command_prints_clusters_and_runs_in_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let list = r#"[{"name":"a","labels":{"env":"prod"},"kubeconfig":{"path":"k"}}]"#;
    std::fs::write(folder.path().join("list.json"), list).unwrap();
    let found = clusters(&command(&["cat", "list.json"]), folder.path(), None).await.unwrap();
    assert_eq!(found[0].name.to_string(), "a");
}

#[tokio::test]
async fn a_source_that_fails_or_is_empty_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "contexts: []\n").unwrap();
    let cases = [
        (kubeconfig("empty"), "lists no cluster at all"),
        (kubeconfig("gone"), "does not exist"),
        (command(&[]), "is empty"),
        (command(&["echo", "[]"]), "lists no cluster at all"),
        (command(&["echo", "{}"]), "prints no JSON list"),
        (command(&["sh", "-c", "echo away >&2; exit 1"]), "failed: away"),
        (
            command(&["echo", r#"[{"name":"a","kubeconfig":{"path":"k"},"x":1}]"#]),
            "item 1 (a): unknown field `x`",
        ),
    ];
    for (source, words) in cases {
        let fault = clusters(&source, folder.path(), None).await.unwrap_err();
        assert!(fault.message.contains(words), "{words}: {fault}");
    }
}
