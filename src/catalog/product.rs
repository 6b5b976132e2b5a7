//! The content of one product version: its file, its folder and the digests over them. It decides
//! what a digest covers; where the folder came from (working tree, git objects) is the caller's.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::diag::{Finding, Findings, Place, Source, codes};
use crate::digest::{self, Digest, archive};
use crate::model::{ProductFile, Test, Tree};
use crate::yaml::{self, Node};

use super::ProductSource;
use super::part::Part;

/// The file in a product's folder that makes it a product.
pub const FILE: &str = "product.yaml";

/// What one version of a product is.
#[derive(Debug, Clone)]
pub struct Content {
    /// `product.yaml`.
    pub file: ProductFile,
    /// The folder's files, with paths relative to the folder.
    pub tree: Tree,
    /// The text and path of `product.yaml`.
    pub source: Arc<Source>,
    /// The values of `product.yaml` as written.
    pub node: Node,
    /// The product digest: over the archive of all files of the folder.
    pub digest: Digest,
    /// The test digest: over the `tests` field and the files that it names.
    pub tests: Digest,
}

impl Content {
    /// The content that a folder's tree is; findings name `product.yaml` alone.
    ///
    /// # Errors
    /// When `product.yaml` is missing or wrong, or a file can't be part of an archive.
    pub fn of(tree: &Tree) -> Result<Self, Findings> {
        Self::at(tree, "")
    }

    /// As [`Content::of`]; findings name files as `FOLDER/PATH`.
    ///
    /// # Errors
    /// As [`Content::of`].
    pub fn at(tree: &Tree, folder: &str) -> Result<Self, Findings> {
        let path = join(folder, FILE);
        let Some(file) = tree.get(FILE) else {
            return Err(Finding::error(&codes::MISSING_FILE, format!("`{path}` is missing")).into());
        };
        let source = Source::from_bytes(path, file.bytes.to_vec())?;
        let Some(node) = yaml::parse(&source)? else {
            return Err(Finding::error(&codes::MISSING_FIELD, "the file is empty")
                .at(&Place::new(&source, 0, 0))
                .into());
        };
        let file: ProductFile = yaml::decode(&node)?;
        let digest = digest(tree, folder)?;
        let tests = test_digest(&file, &node, tree)?;
        Ok(Self { file, tree: tree.clone(), source, node, digest, tests })
    }

    /// What is wrong with this version by itself: files that are not there, forms, literal secrets,
    /// values against the schema; missing tests and image digests as warnings. Findings name files
    /// as `FOLDER/PATH`.
    pub fn check(&self, folder: &str) -> Findings {
        let mut findings = super::check::of_part(&self.part(folder));
        let name = &self.file.metadata.name;
        if super::release::is_reserved(name.as_str()) {
            findings.push(super::release::reserved(name));
        }
        let hidden: Vec<Place> = findings
            .iter()
            .filter(|finding| finding.code == &codes::LITERAL_SECRET)
            .filter_map(|finding| finding.place.clone())
            .collect();
        findings.mask(&hidden);
        findings.sorted()
    }

    /// The parts that rules about a single product look at.
    pub(super) fn part<'a>(&'a self, folder: &'a str) -> Part<'a> {
        Part { file: &self.file, tree: &self.tree, folder }
    }
}

impl ProductSource {
    /// The content that this folder would be if it were tagged as it is.
    ///
    /// # Errors
    /// When a file can't be part of an archive.
    pub fn content(&self) -> Result<Content, Findings> {
        let folder = folder_of(&self.source);
        Ok(Content {
            file: self.file.clone(),
            tree: self.folder.clone(),
            source: Arc::clone(&self.source),
            node: self.node.clone(),
            digest: digest(&self.folder, &folder)?,
            tests: test_digest(&self.file, &self.node, &self.folder)?,
        })
    }
}

/// The folder of a product's file, as people read it.
pub(super) fn folder_of(source: &Source) -> String {
    source.path().strip_suffix(FILE).unwrap_or_default().trim_end_matches('/').to_owned()
}

/// A path below a folder, or the path alone if the folder has no name.
pub(super) fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// How a pointer of Git LFS begins (git-lfs, `docs/spec.md`).
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// The product digest: SHA-256 of the archive of every file of the folder.
///
/// # Errors
/// All files that can't be part of an archive.
pub fn digest(tree: &Tree, folder: &str) -> Result<Digest, Findings> {
    let mut findings = Findings::new();
    for (path, file) in tree.iter() {
        if file.bytes.starts_with(LFS_POINTER) {
            findings.push(unfit(folder, path, "is a pointer of Git LFS and not the file itself"));
        }
    }
    let entries = tree.iter().map(|(path, file)| archive::Entry {
        path,
        executable: file.executable,
        bytes: &file.bytes,
    });
    match archive::digest(entries) {
        Ok(digest) => findings.into_result(digest),
        Err(error) => {
            findings.push(Finding::error(
                &codes::UNFIT_FILE,
                format!("the folder `{folder}` has no digest: {error}"),
            ));
            Err(findings)
        }
    }
}

fn unfit(folder: &str, path: &str, why: &str) -> Finding {
    let path = join(folder, path);
    let source = Source::new(path.as_str(), "");
    Finding::error(&codes::UNFIT_FILE, format!("`{path}` {why}")).at(&Place::new(&source, 0, 0))
}

/// What the test digest covers.
#[derive(Serialize)]
struct TestsCovered<'a> {
    tests: serde_json::Value,
    files: Vec<TestFile<'a>>,
}

#[derive(Serialize)]
struct TestFile<'a> {
    path: &'a str,
    executable: bool,
    digest: Digest,
}

/// SHA-256 over the `tests` field as written and the files that it names: the words of commands
/// that are files (or folders) of the product, and the manifests of Jobs.
fn test_digest(file: &ProductFile, node: &Node, tree: &Tree) -> Result<Digest, Findings> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for test in &file.spec.tests {
        match &test.value {
            Test::Run(run) => {
                named.extend(run.command.iter().map(|word| word.value.trim_start_matches("./")))
            }
            Test::Job(job) => {
                named.insert(job.manifest.value.as_str());
            }
        }
    }
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    for name in named.into_iter().filter(|name| !name.is_empty()) {
        paths.extend(tree.below(name).map(|(path, _)| path));
        paths.extend(tree.iter().map(|(path, _)| path).filter(|path| *path == name));
    }
    let files = paths.into_iter().filter_map(|path| {
        let file = tree.get(path)?;
        Some(TestFile { path, executable: file.executable, digest: digest::bytes(&file.bytes) })
    });
    let covered = TestsCovered {
        tests: node.at(&["spec", "tests"]).map_or(serde_json::Value::Null, Node::to_json),
        files: files.collect(),
    };
    digest::of(&covered).map_err(|error| {
        Finding::error(&codes::INVALID_VALUE, format!("the tests have no digest: {error}"))
            .at(node.at(&["spec", "tests"]).map_or(&node.place, |tests| &tests.place))
            .into()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::testing::{file, tree};
    use super::*;

    const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: agent }\nspec:\n  version: 1.0.0\n  \
                           owner: team\n  tests:\n    - run: { name: smoke, command: [./tests/smoke.sh, fast] }\n";

    #[test]
    fn a_content_has_the_digest_of_its_whole_folder() {
        let one = tree(&[("product.yaml", PRODUCT), ("tests/smoke.sh", "exit 0"), ("a.yaml", "a: 1")]);
        let mut other = one.clone();
        other.insert("a.yaml", file("a: 2"));
        let (one, other) = (Content::of(&one).unwrap(), Content::of(&other).unwrap());
        assert_ne!(one.digest, other.digest);
        assert_eq!(one.tests, other.tests, "a file that no test names does not count");
    }

    #[test]
    fn the_test_digest_covers_the_files_that_tests_name_and_not_the_comments() {
        let one = tree(&[("product.yaml", PRODUCT), ("tests/smoke.sh", "exit 0")]);
        let mut script = one.clone();
        script.insert("tests/smoke.sh", file("exit 1"));
        let mut comment = one.clone();
        comment.insert("product.yaml", file(&PRODUCT.replace("  tests:", "  # why\n  tests:")));
        let mut field = one.clone();
        field.insert("product.yaml", file(&PRODUCT.replace("fast", "slow")));
        let of = |tree: &Tree| Content::of(tree).unwrap().tests;
        assert_ne!(of(&one), of(&script));
        assert_eq!(of(&one), of(&comment));
        assert_ne!(of(&one), of(&field));
    }

    #[test]
    fn a_pointer_of_git_lfs_is_no_content() {
        let tree = tree(&[
            ("product.yaml", PRODUCT),
            ("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
        ]);
        let findings = Content::at(&tree, "products/agent").unwrap_err();
        assert!(
            findings.to_string().contains("`products/agent/big.bin` is a pointer of Git LFS"),
            "{findings}"
        );
    }

    #[test]
    fn a_folder_without_its_file_is_no_product() {
        let findings = Content::at(&Tree::new(), "products/agent").unwrap_err();
        assert!(findings.to_string().contains("`products/agent/product.yaml` is missing"), "{findings}");
    }
}
