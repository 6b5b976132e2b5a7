//! Imports of a config into repositories in memory; what is written, and what `check` says to it.

#![allow(clippy::unwrap_used)]

use super::fake::Memory;
use super::*;
use crate::catalog::{self, FOLDERS};
use crate::lcm::import::Target;
use crate::lcm::policies::Policies;

const CONFIG: &str = include_str!("../../lcm/import/example.yaml");

fn request(text: &str) -> ImportRequest {
    ImportRequest {
        path: "config.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
        target: Target { product: "platform-tools".parse().unwrap(), owner: "platform".to_owned() },
        writes: true,
    }
}

/// A platform as `init` begins it.
fn platform() -> Memory {
    let tree = starting_platform();
    let files: Vec<(String, String)> = tree
        .iter()
        .filter(|(path, _)| FOLDERS.iter().any(|folder| path.starts_with(&format!("{folder}/"))))
        .map(|(path, file)| (path.to_owned(), String::from_utf8(file.bytes.to_vec()).unwrap()))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Memory::with(&files)
}

/// Everything that `check` finds.
fn found(memory: &Memory) -> Findings {
    let tree = memory.0.lock().unwrap().working.clone();
    let (catalog, mut findings) = catalog::load(&tree);
    findings.extend(catalog::check(&catalog));
    findings.extend(Policies::of(&catalog).1);
    findings
}

#[tokio::test]
async fn what_is_written_passes_check_without_a_finding() {
    let memory = platform();
    let done = lcm_import(&memory.repository(), &request(CONFIG)).await.unwrap();
    let paths: Vec<&str> = done.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["pipelines/sources.yaml", "products/platform-tools/product.yaml"]);
    assert!(done.written && done.merge.is_none());
    for file in &done.files {
        assert_eq!(memory.text(&file.path).unwrap(), file.text);
    }
    assert_eq!(found(&memory), Findings::new(), "{}", found(&memory));
}

#[tokio::test]
async fn every_owner_is_a_text_and_an_empty_one_is_refused() {
    for owner in ["no", "team: a, b #1", "\"", "1.0", "ä"] {
        let memory = platform();
        let mut request = request(CONFIG);
        request.target.owner = owner.to_owned();
        lcm_import(&memory.repository(), &request).await.unwrap();
        assert_eq!(found(&memory), Findings::new(), "{owner}: {}", found(&memory));
    }
    let memory = platform();
    let mut request = request(CONFIG);
    request.target.owner = String::new();
    assert!(lcm_import(&memory.repository(), &request).await.is_err());
    assert_eq!(memory.text("pipelines/sources.yaml"), None);
}

#[tokio::test]
async fn a_product_that_is_there_is_not_written_over() {
    let memory = platform();
    lcm_import(&memory.repository(), &request(CONFIG)).await.unwrap();
    let before = memory.0.lock().unwrap().working.clone();
    let Err(RepoError::Findings(findings)) = lcm_import(&memory.repository(), &request(CONFIG)).await else {
        panic!("a second import");
    };
    let finding = findings.iter().next().unwrap();
    assert_eq!(finding.code.id, "TG1090");
    assert_eq!(finding.next.as_deref(), Some("tidegate product show platform-tools"));
    assert!(memory.0.lock().unwrap().working == before);
}

#[tokio::test]
async fn sources_that_are_there_are_told_what_to_merge() {
    let memory = platform();
    let sources = "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: { name: own }\nspec: {}\n";
    memory.edit("pipelines/sources.yaml", sources);
    let done = lcm_import(&memory.repository(), &request(CONFIG)).await.unwrap();
    assert_eq!(memory.text("pipelines/sources.yaml").as_deref(), Some(sources));
    assert!(done.merge.unwrap().text.contains("mirrors:"));
    assert!(done.written && memory.text("products/platform-tools/product.yaml").is_some());
}

#[tokio::test]
async fn a_look_writes_nothing_and_shows_the_files() {
    let memory = platform();
    let request = ImportRequest { writes: false, ..request(CONFIG) };
    let done = lcm_import(&memory.repository(), &request).await.unwrap();
    assert!(!done.written && done.files.len() == 2);
    assert_eq!(memory.text("pipelines/sources.yaml"), None);
}

#[tokio::test]
async fn a_wrong_config_writes_nothing() {
    let memory = platform();
    let text = format!("{CONFIG}\napp2: 1\nimages: 3\n");
    assert!(lcm_import(&memory.repository(), &request(&text)).await.is_err());
    assert_eq!(memory.text("pipelines/sources.yaml"), None);
}
