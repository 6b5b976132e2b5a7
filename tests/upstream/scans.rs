//! Vulnerabilities in `tidegate lcm report`, asked for over real sockets: a registry with attestations, a Trivy
//! server, Xray, Harbor, OSV and CISA's catalogue, as their documentation says they answer; and answers that
//! must not pass for a clean image.

use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use sha2::Digest as _;

use super::fake::{Fake, Reply, Seen};
use super::platform;

const PRODUCT: &str = "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: shop }
spec:
  version: 1.0.0
  owner: shop
  upstream:
    - image: { repository: images.example.com/acme/shop }
  deploy:
    - manifests: { path: manifests, namespace: shop }
";
const POD: &str = "apiVersion: v1
kind: Pod
metadata: { name: a }
spec:
  containers:
    - { name: a, image: \"images.example.com/acme/shop:1.0.0\" }
";
const CVE: &str = "CVE-2026-1111";

fn hash(bytes: &[u8]) -> String {
    format!("sha256:{}", sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>())
}

/// A manifest that nobody reads but for its digest.
fn manifest(tag: &str) -> String {
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "annotations": {"tag": tag}})
        .to_string()
}

fn digest(tag: &str) -> String {
    hash(manifest(tag).as_bytes())
}

/// The tag whose digest stands in a text.
fn tag_in(text: &str) -> Option<&'static str> {
    ["1.0.0", "1.1.0"].into_iter().find(|tag| text.contains(digest(tag).trim_start_matches("sha256:")))
}

fn statement(kind: &str, tag: &str, predicate: Value) -> String {
    json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": kind,
        "subject": [{"name": "shop", "digest": {"sha256": digest(tag).trim_start_matches("sha256:")}}],
        "predicate": predicate})
    .to_string()
}

fn envelope(statement: &str) -> String {
    json!({"payloadType": "application/vnd.in-toto+json", "payload": BASE64_STANDARD.encode(statement),
        "signatures": [{"sig": "AA=="}]})
    .to_string()
}

/// Trivy's own report: version 1.0.0 has a critical one that 1.1.0 mends.
fn trivy(tag: &str) -> Value {
    let found = match tag {
        "1.0.0" => json!([{"VulnerabilityID": CVE, "PkgName": "openssl", "InstalledVersion": "3.0.1",
            "FixedVersion": "3.0.2", "Severity": "CRITICAL", "Status": "fixed", "PrimaryURL": "https://avd.example.com/1"}]),
        _ => {
            json!([{"VulnerabilityID": "CVE-2026-2222", "PkgName": "curl", "InstalledVersion": "8", "Severity": "LOW"}])
        }
    };
    json!({"SchemaVersion": 2, "ArtifactName": "shop", "CreatedAt": "2026-11-20T00:00:00Z",
        "Trivy": {"Version": "0.60.0"}, "Metadata": {"RepoDigests": [format!("images.example.com/acme/shop@{}", digest(tag))]},
        "Results": [{"Target": "shop", "Class": "os-pkgs", "Vulnerabilities": found}]})
}

/// What is attached to an image: a scan by its referrers, a bill of materials by cosign's tag.
fn documents(tag: &str) -> (String, String) {
    let scan = json!({"scanner": {"uri": "pkg:github/aquasecurity/trivy@0.60.0", "version": "0.60.0",
        "db": {"lastUpdate": "2026-11-19T18:00:00Z"}, "result": trivy(tag)}, "metadata": {"scanFinishedOn": "2026-11-20T06:00:05Z"}});
    let version = if tag == "1.0.0" { "3.0.1-1" } else { "3.0.2-1" };
    let bill = json!({"spdxVersion": "SPDX-2.3", "packages": [{"name": "openssl", "externalRefs": [
        {"referenceType": "purl", "referenceLocator": format!("pkg:deb/debian/openssl@{version}?distro=debian-12")}]}]});
    (
        envelope(&statement("https://cosign.sigstore.dev/attestation/vuln/v1", tag, scan)),
        envelope(&statement("https://spdx.dev/Document/v2.3", tag, bill)),
    )
}

fn with_layer(document: &str) -> String {
    json!({"schemaVersion": 2, "layers": [{"mediaType": "application/vnd.dsse.envelope.v1+json",
        "digest": hash(document.as_bytes()), "size": document.len()}]})
    .to_string()
}

fn registry(path: &str) -> Reply {
    let not_found = || Reply::error(404, "MANIFEST_UNKNOWN", "not there");
    if path == "tags/list" {
        return Reply::json(json!({"name": "acme/shop", "tags": ["1.0.0", "1.1.0"]}).to_string());
    }
    for tag in ["1.0.0", "1.1.0"] {
        let (scan, bill) = documents(tag);
        let hex = digest(tag).trim_start_matches("sha256:").to_owned();
        let attached = with_layer(&scan);
        let whole = |body: String, kind: &str| {
            let named = hash(body.as_bytes());
            Reply::new(200, body).header("Content-Type", kind).header("Docker-Content-Digest", named)
        };
        let index = "application/vnd.oci.image.index.v1+json";
        match path {
            path if path == format!("manifests/{tag}") || path == format!("manifests/sha256:{hex}") => {
                return whole(manifest(tag), "application/vnd.oci.image.manifest.v1+json");
            }
            path if path == format!("referrers/sha256:{hex}") => {
                let listed = json!({"schemaVersion": 2, "manifests": [{"digest": hash(attached.as_bytes()),
                    "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": attached.len()}]});
                return whole(listed.to_string(), index);
            }
            path if path == format!("manifests/{}", hash(attached.as_bytes())) => {
                return whole(attached, "application/vnd.oci.image.manifest.v1+json");
            }
            path if path == format!("manifests/sha256-{hex}.att") => {
                return whole(with_layer(&bill), "application/vnd.oci.image.manifest.v1+json");
            }
            path if path == format!("blobs/{}", hash(scan.as_bytes())) => return Reply::new(200, scan),
            path if path == format!("blobs/{}", hash(bill.as_bytes())) => return Reply::new(200, bill),
            _ => {}
        }
    }
    not_found()
}

fn xray(seen: &Seen) -> Reply {
    if seen.header("authorization") != "Bearer xray-word" {
        return Reply::new(401, "{\"errors\": [{\"status\": 401, \"message\": \"Bad credentials\"}]}");
    }
    let Some(tag) = tag_in(&seen.body) else {
        return Reply::json(
            r#"{"artifacts": [], "errors": [{"identifier": "x", "error": "Artifact doesn't exist or not indexed in Xray"}]}"#,
        );
    };
    let issues = match tag {
        "1.0.0" => {
            json!([{"issue_id": "XRAY-1", "issue_type": "security", "severity": "Critical", "cves": [{"cve": CVE}],
            "components": [{"component_id": "debian:bookworm:openssl:3.0.1", "fixed_versions": ["[3.0.2]"]}]}])
        }
        _ => json!([]),
    };
    let sha = digest(tag).trim_start_matches("sha256:").to_owned();
    Reply::json(
        json!({"artifacts": [{"general": {"sha256": sha}, "issues": issues}], "errors": []}).to_string(),
    )
}

fn harbor(seen: &Seen) -> Reply {
    let expected = format!("Basic {}", BASE64_STANDARD.encode("robot$reader:harbor-word"));
    if seen.header("authorization") != expected {
        return Reply::new(401, r#"{"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}"#);
    }
    let path = &seen.path;
    assert!(path.contains("/api/v2.0/projects/acme/repositories/shop/artifacts/sha256:"), "{path}");
    assert!(seen.header("x-accept-vulnerabilities").contains("version=1.1"));
    let Some(tag) = tag_in(path) else { return Reply::new(404, r#"{"errors": [{"code": "NOT_FOUND"}]}"#) };
    let found = match tag {
        "1.0.0" => {
            json!([{"id": CVE, "package": "openssl", "version": "3.0.1", "fix_version": "3.0.2", "severity": "Critical",
            "artifact_digests": [digest(tag)]}])
        }
        _ => json!([]),
    };
    Reply::json(
        json!({"application/vnd.security.vulnerability.report; version=1.1": {"generated_at": "2026-11-20T06:00:00Z",
            "scanner": {"name": "Trivy", "version": "v0.60.0"}, "severity": "Critical", "vulnerabilities": found}})
        .to_string(),
    )
}

fn osv(seen: &Seen) -> Reply {
    match seen.path.as_str() {
        "/osv/v1/querybatch" => {
            let asked: Value = serde_json::from_str(&seen.body).unwrap();
            let answer = |query: &Value| match query["package"]["purl"].as_str() {
                // The name stands on the second page.
                Some(purl) if purl.contains("3.0.1") && query["page_token"].is_null() => json!({"next_page_token": "2"}),
                Some(purl) if purl.contains("3.0.1") => json!({"vulns": [{"id": "DEBIAN-CVE-2026-1111"}]}),
                _ => json!({}),
            };
            let results: Vec<Value> = asked["queries"].as_array().unwrap().iter().map(answer).collect();
            Reply::json(json!({"results": results}).to_string())
        }
        "/osv/v1/vulns/DEBIAN-CVE-2026-1111" => Reply::json(
            json!({"id": "DEBIAN-CVE-2026-1111", "upstream": [CVE], "published": "2026-11-01T00:00:00Z",
                "affected": [{"package": {"ecosystem": "Debian:12", "name": "openssl", "purl": "pkg:deb/debian/openssl"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.2-1"}]}],
                    "ecosystem_specific": {"severity": "critical"}}]})
            .to_string(),
        ),
        other => Reply::new(404, format!("{{\"code\": 5, \"message\": \"no {other}\"}}")),
    }
}

/// A Trivy server keeps what it is told, and scans what it has.
fn trivy_server(seen: &Seen, kept: &Mutex<Vec<Value>>) -> Reply {
    if seen.path == "/trivy/version" {
        return Reply::json(
            r#"{"Version": "0.60.0", "VulnerabilityDB": {"Version": 2, "UpdatedAt": "2026-11-19T18:00:00Z"}}"#,
        );
    }
    if seen.header("trivy-token") != "trivy-word" {
        return Reply::new(401, r#"{"code": "unauthenticated", "msg": "invalid token"}"#);
    }
    let asked: Value = serde_json::from_str(&seen.body).unwrap();
    let mut kept = kept.lock().unwrap();
    let known = |kept: &[Value], key: &Value| kept.iter().find(|one| one["diff_id"] == *key).cloned();
    match seen.path.as_str() {
        "/trivy/twirp/trivy.cache.v1.Cache/MissingBlobs" => {
            let missing: Vec<&Value> = asked["blob_ids"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|key| known(&kept, key).is_none())
                .collect();
            Reply::json(json!({"missing_artifact": true, "missing_blob_ids": missing}).to_string())
        }
        "/trivy/twirp/trivy.cache.v1.Cache/PutBlob" => {
            kept.push(asked);
            Reply::json("{}")
        }
        "/trivy/twirp/trivy.scanner.v1.Scanner/Scan" => {
            let Some(blob) = known(&kept, &asked["blob_ids"][0]) else {
                return Reply::new(500, r#"{"code": "internal", "msg": "layer not found in cache"}"#);
            };
            let package = &blob["blob_info"]["package_infos"][0]["packages"][0];
            let found = match (package["name"].as_str(), package["version"].as_str()) {
                (Some("openssl"), Some("3.0.1")) => json!([{"vulnerability_id": CVE, "pkg_name": "openssl",
                    "installed_version": "3.0.1-1", "fixed_version": "3.0.2-1", "severity": "CRITICAL", "status": 3}]),
                _ => json!([]),
            };
            let os = &blob["blob_info"]["os"];
            Reply::json(
                json!({"os": os, "results": [{"class": "os-pkgs", "vulnerabilities": found}]}).to_string(),
            )
        }
        other => Reply::new(404, format!("{{\"code\": \"bad_route\", \"msg\": \"{other}\"}}")),
    }
}

fn answer(seen: &Seen, kept: &Mutex<Vec<Value>>) -> Reply {
    if let Some(path) = seen.path.strip_prefix("/registry/v2/acme/shop/") {
        return registry(path);
    }
    match seen.path.split('/').nth(1) {
        Some("xray") => xray(seen),
        Some("harbor") => harbor(seen),
        Some("osv") => osv(seen),
        Some("trivy") => trivy_server(seen, kept),
        Some("kev.json") => Reply::json(
            json!({"count": 1, "dateReleased": "2026-11-20T00:00:00Z", "vulnerabilities": [{"cveID": CVE, "dueDate": "2026-12-10"}]}).to_string(),
        ),
        _ => Reply::new(404, "nothing"),
    }
}

async fn fake() -> Fake {
    let kept = Arc::new(Mutex::new(Vec::new()));
    Fake::new(move |seen| answer(seen, &kept)).await
}

/// A platform with these sources of scans.
fn shop(folder: &Path, address: &str, scans: &str) {
    let repo = folder.join("repo");
    platform::write(&repo, "products/shop/product.yaml", PRODUCT);
    platform::write(&repo, "products/shop/manifests/pod.yaml", POD);
    let hosts = [("images.example.com", "registry"), ("endoflife.date", "none"), ("dl.k8s.io", "none")];
    let (hosts, scans) = (platform::hosts(hosts, address), scans.replace("ADDRESS", address));
    platform::sources(&repo, &format!("{hosts}  scans:\n{scans}"));
    platform::begin(&repo);
}

fn run(folder: &Path, args: &[&str]) -> Output {
    platform::tidegate(folder, &folder.join("repo"))
        .args(["lcm"])
        .args(args)
        .env("XRAY_WORD", "xray-word")
        .env("HARBOR_WORD", "harbor-word")
        .env("TRIVY_WORD", "trivy-word")
        .output()
        .unwrap()
}

fn report(folder: &Path, args: &[&str]) -> Value {
    let ran = run(folder, &[&["report", "-o", "json"], args].concat());
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(0), "{told}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn thing(report: &Value) -> &Value {
    &report["data"]["products"][0]["things"][0]
}

/// The report with one source of scans, and the source's address.
async fn with(scans: &str) -> (Value, Fake, tempfile::TempDir) {
    let fake = fake().await;
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), &fake.address(), scans);
    let report = report(folder.path(), &[]);
    (report, fake, folder)
}

/// Every source says of the same images what the same report says.
#[tokio::test(flavor = "multi_thread")]
async fn every_source_tells_what_is_found_and_what_the_update_mends() {
    let sources = [
        (
            "xray",
            "    - xray: { address: \"ADDRESS/xray\", token: { secretRef: { env: XRAY_WORD } } }\n",
            "Xray",
        ),
        (
            "harbor",
            "    - harbor: { address: \"ADDRESS/harbor\", registry: images.example.com, user: robot$reader, password: { secretRef: { env: HARBOR_WORD } } }\n",
            "Trivy v0.60.0 through Harbor",
        ),
        ("osv", "    - osv: { address: \"ADDRESS/osv\" }\n", "OSV"),
        ("attestations", "    - attestations: {}\n", "Trivy 0.60.0"),
        (
            "trivy",
            "    - trivy: { address: \"ADDRESS/trivy\", token: { secretRef: { env: TRIVY_WORD } } }\n",
            "Trivy 0.60.0",
        ),
    ];
    for (name, scans, scanner) in sources {
        let (report, fake, _folder) = with(scans).await;
        let known = &thing(&report)["security"];
        let told = format!("{name}: {known:#} {:#}", report["data"]["sources"]);
        assert_eq!((&known["open"]["critical"], &known["scanner"]), (&1.into(), &scanner.into()), "{told}");
        assert!(known["source"].as_str().unwrap().starts_with(name), "{told}");
        assert_eq!(known["update"]["fixed"]["critical"], 1, "{told}");
        assert_eq!(known["findings"][0]["id"], CVE, "{told}");
        assert_eq!(thing(&report)["need"], "now", "{told}");
        let unverified = known["notes"].to_string().contains("not verified");
        assert_eq!(unverified, name == "attestations", "{told}");
        // Nothing that lets this program in goes anywhere but to its source.
        for seen in fake.seen().iter().filter(|seen| !seen.path.starts_with(&format!("/{name}"))) {
            assert_eq!((seen.header("authorization"), seen.header("trivy-token")), ("", ""), "{seen:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_in_a_folder_tell_it_in_every_form_and_again_from_a_file() {
    let fake = fake().await;
    let folder = tempfile::tempdir().unwrap();
    shop(
        folder.path(),
        &fake.address(),
        "    - files: { folder: scans }\n    - kev: { address: \"ADDRESS/kev.json\" }\n",
    );
    let scans = folder.path().join("repo/scans");
    std::fs::create_dir_all(&scans).unwrap();
    for tag in ["1.0.0", "1.1.0"] {
        std::fs::write(scans.join(format!("shop-{tag}.json")), trivy(tag).to_string()).unwrap();
    }
    let answers = folder.path().join("answers.json");
    let answers = answers.to_str().unwrap();
    let first = report(folder.path(), &["--save-answers", answers]);
    let known = &thing(&first)["security"];
    assert_eq!((&known["exploited"], &known["update"]["new"]["low"]), (&1.into(), &1.into()), "{known:#}");
    assert_eq!(thing(&first)["statuses"][0]["status"], "vulnerable");
    assert_eq!(first["data"]["security"]["knowsExploited"], true);

    // Nobody is asked, and the same is told.
    fake.forget();
    std::fs::remove_dir_all(&scans).unwrap();
    let again = report(folder.path(), &["--answers", answers]);
    assert_eq!((&thing(&again)["security"], fake.seen().len()), (known, 0));
    let form = |form: &str| {
        let ran = run(folder.path(), &["report", "--answers", answers, "-o", form]);
        assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(form("table").contains("1 kev 1 crit, -1 +1"), "{}", form("table"));
    assert!(form("table").contains("SECURITY"));
    assert!(
        form("markdown").contains("| Security |")
            && form("markdown").contains("CVE-2026-1111 (critical, exploited)")
    );
    let page = form("html");
    assert!(
        page.contains("<th>Security</th>")
            && page.contains("<a href=\"https://avd.example.com/1\">CVE-2026-1111")
    );
    let sheet = form("csv");
    assert!(sheet.lines().next().unwrap().ends_with("update_fixes,update_adds,security"), "{sheet}");
    let metrics = form("prometheus");
    let series = "tidegate_lcm_vulnerabilities{product=\"shop\",kind=\"image\",name=\"images.example.com/acme/shop\",severity=\"critical\"} 1";
    assert!(metrics.contains(series), "{metrics}");
    assert!(metrics.contains("tidegate_lcm_vulnerabilities_exploited{"), "{metrics}");
    let sarif: Value = serde_json::from_str(&form("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let one = results.iter().find(|result| result["ruleId"] == CVE).unwrap();
    assert_eq!((&one["level"], one["suppressions"].is_null()), (&"error".into(), true), "{one:#}");
    let words = |result: &Value| result["message"]["text"].as_str().unwrap().to_owned();
    assert!(results.iter().all(|result| !words(result).ends_with(": ")), "{results:#?}");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["id"] == CVE).unwrap();
    assert_eq!(rule["properties"]["security-severity"], "9.5");
}

/// The report of the newest version, which is in use, was cut off before its digest.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_cut_off_is_named_and_hides_nothing() {
    let fake = fake().await;
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), &fake.address(), "    - files: { folder: scans }\n");
    let repo = folder.path().join("repo");
    platform::write(&repo, "products/shop/manifests/pod.yaml", &POD.replace("1.0.0", "1.1.0"));
    let whole = trivy("1.1.0").to_string();
    platform::write(&repo, "scans/shop-1.1.0.json", &whole[..whole.find("sha256").unwrap()]);
    let accepted = run(
        folder.path(),
        &["accept", CVE, "--product", "shop", "--owner", "shop", "--until", "2026-12-15", "--reason", "r"],
    );
    assert!(accepted.status.success(), "{}", String::from_utf8_lossy(&accepted.stderr));
    let table = || {
        let ran = run(folder.path(), &["report", "-o", "table"]);
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let told = report(folder.path(), &[]);
    assert_eq!((&thing(&told)["need"], &thing(&told)["security"]["open"]), (&"unknown".into(), &Value::Null));
    let silent = told["data"]["sources"]["silent"].as_array().unwrap();
    let one = silent.iter().find(|one| one["source"] == "files scans").unwrap();
    let words = one["why"].as_str().unwrap();
    assert!(words.starts_with("1 file can't be read: `shop-1.1.0.json`: no whole JSON"), "{words}");
    assert!(told["warnings"].to_string().contains("shop-1.1.0.json"), "{:#}", told["warnings"]);
    let standing = &told["data"]["security"]["acceptances"][0];
    assert_eq!((&standing["matches"], &standing["answered"]), (&0.into(), &false.into()), "{standing:#}");
    assert!(!table().contains("about nothing that was found"), "{}", table());

    // What is known besides is told, and the broken file is still named.
    platform::write(&repo, "scans/again.json", &whole);
    let told = report(folder.path(), &[]);
    assert_eq!(thing(&told)["security"]["open"]["low"], 1, "{told:#}");
    assert!(told["data"]["sources"]["silent"].to_string().contains("shop-1.1.0.json"));
    assert!(!table().contains("about nothing that was found"), "{}", table());
    std::fs::remove_file(repo.join("scans/shop-1.1.0.json")).unwrap();
    assert!(table().contains("RISK-1 is about nothing that was found"), "{}", table());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_counts_no_more_and_counts_again_after_its_end() {
    let (before, fake, folder) =
        with("    - xray: { address: \"ADDRESS/xray\", token: { secretRef: { env: XRAY_WORD } } }\n").await;
    assert_eq!(thing(&before)["need"], "now");
    let accept = |args: &[&str]| run(folder.path(), &[&["accept", CVE], args].concat());
    let words =
        ["--image", "images.example.com/acme/shop", "--owner", "shop", "--reason", "not reached", "--until"];
    let shown = accept(&[&words[..], &["2999-12-31", "--dry-run"]].concat());
    assert_eq!(shown.status.code(), Some(0), "{}", String::from_utf8_lossy(&shown.stderr));
    let file = folder.path().join("repo/pipelines/acceptances/RISK-1.yaml");
    assert!(!file.exists() && String::from_utf8_lossy(&shown.stdout).contains("kind: Acceptance"));
    let written = accept(&[&words[..], &["2999-12-31"]].concat());
    assert_eq!(written.status.code(), Some(0), "{}", String::from_utf8_lossy(&written.stderr));
    let text = std::fs::read_to_string(&file).unwrap();
    let again = accept(&[&words[..], &["2999-12-31", "--id", "RISK-1"]].concat());
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(8) && told.contains("TG1095"), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    let after = report(folder.path(), &[]);
    let known = &thing(&after)["security"];
    assert_eq!((&known["accepted"], &known["open"]["critical"]), (&1.into(), &0.into()), "{known:#}");
    assert_eq!(thing(&after)["need"], "soon", "something newer is there all the same");
    let sarif = run(folder.path(), &["report", "-o", "sarif"]);
    assert!(String::from_utf8_lossy(&sarif.stdout).contains("suppressions"));

    // Written in January, and over since.
    let created = text.lines().find(|line| line.contains("created:")).unwrap();
    let begun = text.replace(created, "  created: 2026-01-01");
    std::fs::write(&file, begun.replace("2999-12-31", "2026-01-31")).unwrap();
    let ended = report(folder.path(), &[]);
    assert_eq!(thing(&ended)["need"], "now");
    assert_eq!(ended["data"]["security"]["acceptances"][0]["nearness"], "ended");
    let table = String::from_utf8(run(folder.path(), &["report"]).stdout).unwrap();
    assert!(table.contains("RISK-1 has ended"), "{table}");
    for wrong in [
        &["accept", "CVE-26-1"][..],
        &["accept", CVE, "--owner", "a", "--reason", "b", "--until", "2999-01-01"],
    ] {
        assert_eq!(run(folder.path(), wrong).status.code(), Some(2), "{wrong:?}");
    }
    drop(fake);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_silent_and_the_report_goes_on() {
    let scans = "    - xray: { address: \"ADDRESS/xray\", token: { secretRef: { env: NOT_SET } } }\n    - attestations: {}\n    - kev: { address: \"ADDRESS/gone.json\" }\n";
    let (report, fake, _folder) = with(scans).await;
    assert_eq!(fake.count("/xray"), 0, "nobody is asked without what lets this program in");
    let silent: Vec<&str> = report["data"]["sources"]["silent"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["source"].as_str())
        .filter(|source| source.starts_with("xray") || *source == "kev")
        .collect();
    assert_eq!(silent.len(), 2, "{report:#}");
    assert_eq!(report["partial"], true);
    let known = &thing(&report)["security"];
    assert_eq!(
        (&known["source"], &known["open"]["critical"]),
        (&"attestations".into(), &1.into()),
        "{known:#}"
    );
    assert_eq!(report["data"]["security"]["knowsExploited"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_answers_are_no_clean_image() {
    let answers: Vec<(&str, Reply)> = vec![
        ("html", Reply::new(200, "<html><body>log in</body></html>")),
        ("an empty object", Reply::json("{}")),
        ("a list", Reply::json("[]")),
        ("nothing", Reply::new(200, "")),
        ("half of it", Reply::json(r#"{"artifacts": [{"general": {"sha256": ""#)),
        (
            "another image",
            Reply::json(
                json!({"artifacts": [{"general": {"sha256": "b".repeat(64)}, "issues": []}]}).to_string(),
            ),
        ),
        ("too much", Reply::long("x".repeat(1024 * 1024), 80).around(r#"{"artifacts": [], "x": ""#, "\"}")),
        ("an error", Reply::new(500, "broken")),
        ("deep", Reply::json("[".repeat(100_000))),
    ];
    for (what, hostile) in answers {
        let fake = Fake::new(move |seen| match seen.path.starts_with("/xray") {
            true => hostile.clone(),
            false => answer(seen, &Mutex::default()),
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        shop(folder.path(), &fake.address(), "    - xray: { address: \"ADDRESS/xray\" }\n");
        let report = report(folder.path(), &["--within", "20s"]);
        let known = &thing(&report)["security"];
        assert!(known["open"].is_null() && known["unknown"].is_string(), "{what}: {known:#}");
        // What needs something for another reason goes on needing it.
        assert_eq!(thing(&report)["need"], "soon", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_another_content_than_its_digest_is_refused() {
    let fake = Fake::new(|seen| {
        let reply = answer(seen, &Mutex::default());
        if seen.path.contains("/blobs/") { Reply::new(200, "{\"predicateType\": \"x\"}") } else { reply }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), &fake.address(), "    - attestations: {}\n");
    let report = report(folder.path(), &[]);
    let known = &thing(&report)["security"];
    assert!(known["unknown"].as_str().unwrap().contains("another digest"), "{known:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sources_of_scans_nothing_is_said_of_vulnerabilities() {
    let fake = fake().await;
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path(), &fake.address(), "    []\n");
    let report = report(folder.path(), &[]);
    assert!(report["data"]["security"].is_null() && thing(&report)["security"].is_null());
    let table = String::from_utf8(run(folder.path(), &["report"]).stdout).unwrap();
    assert!(!table.contains("SECURITY"), "{table}");
    assert_eq!(fake.count("/registry/v2/acme/shop/manifests"), 0);
}
