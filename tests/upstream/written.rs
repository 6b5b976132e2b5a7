//! Answers that can't be written: whoever asked must not take silence for an answer, nor a command for undone.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::platform::{self, git};

const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: app }\nspec:\n  version: 1.0.0\n  owner: team\n  upstream:\n    - tool: { repository: \"github:org/app\", version: v1.0.0 }\n  deploy:\n    - manifests: { path: manifests, namespace: app }\n";
const RELEASE: &str = "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: { name: R1 }\nspec:\n  kubernetes: \"1.36\"\n  products: { app: 1.0.0 }\n";
const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n";

/// A platform with a product that is tagged, and a release to cut.
fn app(folder: &Path) {
    platform::write(folder, "products/app/product.yaml", PRODUCT);
    platform::write(folder, "products/app/manifests/a.yaml", OBJECT);
    platform::write(folder, "releases/R1.yaml", RELEASE);
    git(folder, &["init", "-q", "."]);
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "one"]);
    assert!(command(folder, &["product", "tag", "app"]).output().unwrap().status.success());
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = platform::tidegate(folder.parent().unwrap(), folder);
    command.args(args).env("NO_COLOR", "1");
    command
}

/// The command with a disk that is full for standard output.
fn full(folder: &Path, args: &[&str]) -> Output {
    let disk = OpenOptions::new().write(true).open("/dev/full").unwrap();
    command(folder, args).stdout(disk).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_answer_that_can_t_be_written_is_told_and_is_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    app(&root);
    for args in [
        &["product", "list"][..],
        &["product", "list", "-o", "json"],
        &["lcm", "report", "--answers", "answers.json", "-o", "html"],
        &["schema", "get", "Product"],
        &["release", "cut", "R1", "-o", "json"],
        &["product", "bump", "app", "--tool", "github:org/app", "--to", "v1.1.0"],
        &["--help"],
        &["--version"],
    ] {
        let answers = r#"{"apiVersion":"cli.tidegate.dev/v1","kind":"LcmAnswers","data":{"at":"2026-11-22T00:00:00Z","answers":[]}}"#;
        std::fs::write(root.join("answers.json"), answers).unwrap();
        if args.contains(&"cut") {
            std::fs::remove_file(root.join("answers.json")).unwrap();
        }
        let ran = full(&root, args);
        let said = told(&ran);
        assert_eq!(ran.status.code(), Some(1), "{args:?}: {said}");
        let line = said.lines().find(|line| line.contains("error[TG0906]")).unwrap_or_default();
        let ended = if args.contains(&"report") { "ended with exit code 6" } else { "did its work" };
        assert!(line.contains("No space left on device") && line.contains(ended), "{args:?}: {said}");
        assert_eq!(said.matches("TG0906").count(), 1, "{args:?}: {said}");
    }
    let release = std::fs::read_to_string(root.join("releases/R1.yaml")).unwrap();
    assert!(release.contains("lock:"), "what was cut stays cut: {release}");
    let product = std::fs::read_to_string(root.join("products/app/product.yaml")).unwrap();
    assert!(product.contains("v1.1.0"), "{product}");
}

#[test]
fn a_command_that_failed_anyway_says_both() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    app(&root);
    let ran = full(&root, &["product", "show", "nobody", "-o", "json"]);
    let said = told(&ran);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("nobody") && said.contains("ended with exit code 3"), "{said}");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    app(&root);
    for (args, code) in [(&["product", "list"][..], 0), (&["product", "show", "nobody", "-o", "json"], 3)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command(&root, args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{said}");
        assert!(!said.contains("TG0906"), "{said}");
    }
}
