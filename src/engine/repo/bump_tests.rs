//! Bumps of the sample platform's products, over a repository in memory; what is written, and what `check`
//! says to it.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use std::path::Path;

use async_trait::async_trait;

use super::fake::Memory;
use super::*;
use crate::catalog::{self, FOLDERS};
use crate::lcm::bump::{Asked, Digests, Moving};
use crate::model::image::{Image, Repository as ImageRepository};
use crate::port::upstream::{Registry, Silence, Tags, Unanswered, Wanted};

/// The sample platform as this repository has it.
fn sample() -> Memory {
    fn walk(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    FOLDERS.iter().for_each(|folder| walk(root, &root.join(folder), &mut files));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Memory::with(&files)
}

fn request(product: &str, to: &str) -> BumpRequest {
    let asked = Asked {
        from: None,
        to: to.to_owned(),
        digest: Digests::Refuse,
        app_version: None,
        mirrors: Vec::new(),
        fields: Vec::new(),
        version: None,
        lower: false,
        keeps_content: false,
        on: "2026-11-22".parse().unwrap(),
        evidence: vec!["https://example.com/notes".to_owned()],
    };
    BumpRequest { product: product.parse().unwrap(), moving: None, asked, writes: true }
}

/// The bump of a repository as it is in its working tree.
async fn product_bump(
    repo: &Repository,
    request: &BumpRequest,
    registry: Option<&dyn Registry>,
) -> Result<Bumped, RepoError> {
    super::product_bump(repo, &Platform::working(repo).await?, request, registry).await
}

/// The errors that `check` finds.
fn errors(memory: &Memory) -> Vec<String> {
    let tree = memory.0.lock().unwrap().working.clone();
    let (catalog, mut findings) = catalog::load(&tree);
    findings.extend(catalog::check(&catalog));
    findings.errors().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
}

fn codes(result: Result<Bumped, RepoError>) -> Vec<&'static str> {
    match result {
        Err(RepoError::Findings(findings)) => findings.iter().map(|finding| finding.code.id).collect(),
        other => panic!("it was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_products_of_the_sample_platform_rise_and_stay_sound() {
    for (product, flag, to, path, old, new, version) in [
        ("backup", None, "v1.17.1", "agent/backup.yaml.j2", "velero:v1.17.0", "velero:v1.17.1", "2.0.1"),
        (
            "monitoring",
            None,
            "v1.10.0",
            "agent/agent.yaml.j2",
            "exporter:v1.9.1",
            "exporter:v1.10.0",
            "2.4.0",
        ),
        (
            "ingress",
            Some("registry.k8s.io/ingress-nginx/controller"),
            "v1.14.1",
            "chart/values.yaml",
            "tag: v1.14.0",
            "tag: v1.14.1",
            "4.1.1",
        ),
    ] {
        let memory = sample();
        let errors_before = errors(&memory);
        let before = memory.text(&format!("products/{product}/{path}")).unwrap();
        let moving = flag.map(|flag: &str| Moving::Image(flag.parse().unwrap()));
        let request = BumpRequest { moving, ..request(product, to) };
        let bumped = product_bump(&memory.repository(), &request, None).await.unwrap();
        assert_eq!(bumped.version.to_string(), version);
        assert_eq!(memory.text(&format!("products/{product}/{path}")).unwrap(), before.replace(old, new));
        let own = memory.text(&format!("products/{product}/product.yaml")).unwrap();
        assert!(own.contains(&format!("  version: {version}\n")), "{own}");
        let changelog = memory.text(&format!("products/{product}/CHANGELOG.md")).unwrap();
        assert!(changelog.contains(&format!("## [{version}] - 2026-11-22\n")), "{changelog}");
        assert!(changelog.ends_with(&format!(" -> {to}\n  - https://example.com/notes\n")), "{changelog}");
        assert_eq!(errors(&memory), errors_before);
        assert!(bumped.findings.is_empty(), "{}", bumped.findings);
        let again = BumpRequest { moving: Some(bumped.source), ..request };
        assert_eq!(codes(product_bump(&memory.repository(), &again, None).await), ["TG1052"]);
    }
}

#[tokio::test]
async fn every_field_of_the_ingress_moves_at_once() {
    let memory = sample();
    let moving = Some(Moving::Image("registry.k8s.io/ingress-nginx/controller".parse().unwrap()));
    let request = BumpRequest { moving, ..request("ingress", "v1.15.0") };
    let bumped = product_bump(&memory.repository(), &request, None).await.unwrap();
    let edits: Vec<String> =
        bumped.edits.iter().map(|e| format!("{} {} {}", e.place.file(), e.field, e.new)).collect();
    assert_eq!(
        edits,
        [
            "products/ingress/chart/Chart.yaml appVersion v1.15.0",
            "products/ingress/chart/values.yaml controller.tag v1.15.0",
            "products/ingress/product.yaml spec.version 4.2.0",
            "products/ingress/product.yaml spec.values.controller.tag v1.15.0",
        ]
    );
    assert!(bumped.left.is_empty(), "{:?}", bumped.left);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_a_tagged_version_is_not_used_again() {
    let memory = sample();
    let repo = memory.repository();
    let before = memory.0.lock().unwrap().working.clone();
    let dry = BumpRequest { writes: false, ..request("backup", "v1.18.0") };
    let bumped = product_bump(&repo, &dry, None).await.unwrap();
    assert!(!bumped.written && bumped.files.len() == 4, "{:?}", bumped.files);
    assert_eq!(memory.0.lock().unwrap().working, before);
    crate::port::Git::create_tag(&memory, "backup/v2.1.0", &memory.head(), "x").await.unwrap();
    assert_eq!(codes(product_bump(&repo, &request("backup", "v1.18.0"), None).await), ["TG1056"]);
    assert_eq!(memory.0.lock().unwrap().working, before);
}

#[tokio::test]
async fn a_step_that_others_do_not_allow_is_told() {
    let memory = sample();
    // Others require monitoring in ^2.0.0.
    let bumped = product_bump(&memory.repository(), &request("monitoring", "v2.0.0"), None).await.unwrap();
    assert_eq!(bumped.version.to_string(), "3.0.0");
    assert!(bumped.findings.iter().all(|finding| finding.code.id == "TG0208"), "{}", bumped.findings);
    assert!(bumped.findings.iter().count() >= 2 && !bumped.findings.has_errors());
}

#[tokio::test]
async fn the_source_is_named_where_a_product_has_none_or_several() {
    let memory = sample();
    assert_eq!(codes(product_bump(&memory.repository(), &request("ingress", "v1"), None).await), ["TG1050"]);
    let own = memory.text("products/backup/product.yaml").unwrap();
    let two = own.replace("  deploy:", "    - tool: { repository: github:a/b }\n  deploy:");
    memory.edit("products/backup/product.yaml", &two);
    assert_eq!(codes(product_bump(&memory.repository(), &request("backup", "v2"), None).await), ["TG1051"]);
    assert_eq!(codes(product_bump(&memory.repository(), &request("bakcup", "v2"), None).await), ["TG0203"]);
}

#[tokio::test]
async fn a_version_that_upstream_says_itself_is_raised_where_it_stands() {
    let memory = sample();
    let own = memory.text("products/backup/product.yaml").unwrap();
    let more = "    - tool: { repository: github:a/b, version: v1.2.3 } # by hand\n    - image: { repository: quay.io/a/b, version: 1.0.0 }\n  deploy:";
    memory.edit("products/backup/product.yaml", &own.replace("  deploy:", more));
    let tool = Some(Moving::Tool("github:a/b".to_owned()));
    let asked = BumpRequest { moving: tool, ..request("backup", "v1.2.4") };
    product_bump(&memory.repository(), &asked, None).await.unwrap();
    let text = memory.text("products/backup/product.yaml").unwrap();
    assert!(text.contains("{ repository: github:a/b, version: v1.2.4 } # by hand"), "{text}");
    assert!(text.contains("{ repository: quay.io/a/b, version: 1.0.0 }"), "{text}");
    let image = Some(Moving::Image("quay.io/a/b".parse().unwrap()));
    // Its own version has no tag here and may rise again.
    let asked = BumpRequest { moving: image, ..request("backup", "1.1.0") };
    product_bump(&memory.repository(), &asked, None).await.unwrap();
    let text = memory.text("products/backup/product.yaml").unwrap();
    assert!(text.contains("{ repository: quay.io/a/b, version: 1.1.0 }"), "{text}");
    assert_eq!(errors(&memory), Vec::<String>::new());
}

#[tokio::test]
async fn an_add_on_of_a_cloud_is_raised_where_its_name_stands() {
    let memory = sample();
    let own = memory.text("products/backup/product.yaml").unwrap();
    let more = "    - addon: { name: eks/vpc-cni, version: v1.20.4-eksbuild.2 } # the network\n    - addon: { name: eks/coredns, version: v1.13.2-eksbuild.4 }\n  deploy:";
    memory.edit("products/backup/product.yaml", &own.replace("  deploy:", more));
    let moving = Some(Moving::Addon("eks/vpc-cni".to_owned()));
    let asked = BumpRequest { moving: moving.clone(), ..request("backup", "v1.21.1-eksbuild.10") };
    let bumped = product_bump(&memory.repository(), &asked, None).await.unwrap();
    assert_eq!(bumped.level, Some(crate::lcm::version::Level::Minor));
    let text = memory.text("products/backup/product.yaml").unwrap();
    assert!(text.contains("{ name: eks/vpc-cni, version: v1.21.1-eksbuild.10 } # the network"), "{text}");
    assert!(text.contains("{ name: eks/coredns, version: v1.13.2-eksbuild.4 }"), "{text}");
    assert_eq!(errors(&memory), Vec::<String>::new());
    let back = BumpRequest { moving, ..request("backup", "v1.21.1-eksbuild.3") };
    assert!(product_bump(&memory.repository(), &back, None).await.is_err(), "it goes back");
}

/// A registry that knows one digest.
struct OneDigest(String);

#[async_trait]
impl Registry for OneDigest {
    async fn tags(&self, _: &ImageRepository, _: Wanted) -> Result<Arc<Tags>, Unanswered> {
        Ok(Arc::default())
    }
    async fn platforms(&self, _: &Image) -> Result<Vec<String>, Unanswered> {
        Ok(Vec::new())
    }
    async fn digest(&self, image: &Image) -> Result<String, Unanswered> {
        assert_eq!(image.to_string(), "docker.io/velero/velero:v1.17.1");
        Ok(self.0.clone())
    }
    async fn chart(&self, _: &Image) -> Result<Vec<u8>, Unanswered> {
        Ok(Vec::new())
    }
}

/// A registry that has nothing to say.
struct Silent(Silence);

#[async_trait]
impl Registry for Silent {
    async fn platforms(&self, _: &Image) -> Result<Vec<String>, Unanswered> {
        Ok(Vec::new())
    }
    async fn tags(&self, _: &ImageRepository, _: Wanted) -> Result<Arc<Tags>, Unanswered> {
        Err(Unanswered::new(self.0, "no"))
    }
    async fn digest(&self, _: &Image) -> Result<String, Unanswered> {
        Err(Unanswered::new(self.0, "no"))
    }
    async fn chart(&self, _: &Image) -> Result<Vec<u8>, Unanswered> {
        Err(Unanswered::new(self.0, "no"))
    }
}

#[tokio::test]
async fn a_registry_that_gives_no_digest_is_told_as_what_it_is() {
    let memory = sample();
    let path = "products/backup/agent/backup.yaml.j2";
    let pinned = memory.text(path).unwrap().replace("v1.17.0", &format!("v1.17.0@sha256:{}", "a".repeat(64)));
    memory.edit(path, &pinned);
    for (why, code) in [
        (Silence::Missing, "TG1007"),
        (Silence::Forbidden, "TG1008"),
        (Silence::Limited, "TG1009"),
        (Silence::Unreachable, "TG1009"),
        (Silence::Invalid, "TG1010"),
    ] {
        let refused =
            product_bump(&memory.repository(), &request("backup", "v1.17.1"), Some(&Silent(why))).await;
        let told = refused.as_ref().unwrap_err().to_string();
        assert!(told.contains("--digest sha256:") && told.contains(path), "{told}");
        assert_eq!(codes(refused), [code]);
    }
    assert_eq!(memory.text(path).unwrap(), pinned);
}

#[tokio::test]
async fn a_digest_is_asked_of_the_registry_where_one_is_needed() {
    let memory = sample();
    let path = "products/backup/agent/backup.yaml.j2";
    let digest = |c: char| format!("sha256:{}", c.to_string().repeat(64));
    let pinned = memory.text(path).unwrap().replace("v1.17.0", &format!("v1.17.0@{}", digest('a')));
    memory.edit(path, &pinned);
    assert_eq!(
        codes(product_bump(&memory.repository(), &request("backup", "v1.17.1"), None).await),
        ["TG1054"]
    );
    let registry = OneDigest(digest('b'));
    product_bump(&memory.repository(), &request("backup", "v1.17.1"), Some(&registry)).await.unwrap();
    let expected = pinned.replace("v1.17.0", "v1.17.1").replace(&digest('a'), &digest('b'));
    assert_eq!(memory.text(path).unwrap(), expected);
}
