//! Acceptances written into repositories in memory, what `check` says to them, and what they cover.

#![allow(clippy::unwrap_used)]

use super::super::fake::Memory;
use super::*;
use crate::scan::vulnerabilities::accepted::{Place, Register};
use crate::scan::vulnerabilities::{Package, Vulnerability};

const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: shop }\nspec:\n  version: 1.0.0\n  owner: shop\n";

fn memory() -> Memory {
    Memory::with(&[("products/shop/product.yaml", PRODUCT)])
}

fn now() -> jiff::Timestamp {
    "2026-11-22T20:00:00.5Z".parse().unwrap()
}

fn request() -> AcceptRequest {
    AcceptRequest {
        id: None,
        vulnerabilities: vec!["cve-2026-1111".parse().unwrap(), "CVE-2026-1111".parse().unwrap()],
        products: vec!["shop".parse().unwrap()],
        images: vec!["quay.io/acme/shop".parse().unwrap()],
        packages: vec!["golang.org/x/net".to_owned()],
        owner: "no".to_owned(),
        reason: "not reached: \"#1\"\nsee RISK board".to_owned(),
        until: "2026-12-15".parse().unwrap(),
        writes: true,
    }
}

async fn accept(memory: &Memory, request: &AcceptRequest) -> Result<LcmAccepted, String> {
    let done = lcm_accept(&memory.repository(), request, now()).await;
    done.map_err(|error| error.to_string())
}

#[tokio::test]
async fn what_is_written_passes_check_and_covers_what_was_found() {
    let memory = memory();
    let done = accept(&memory, &request()).await.unwrap();
    assert_eq!((done.id.as_str(), done.written), ("RISK-1", true));
    assert_eq!(memory.text(&done.file).as_deref(), Some(done.text.as_str()));
    let tree = memory.0.lock().unwrap().working.clone();
    let (catalog, mut findings) = catalog::load(&tree);
    findings.extend(catalog::check(&catalog));
    let own: Vec<_> =
        findings.iter().filter(|f| f.place.as_ref().is_some_and(|p| p.file() == done.file)).collect();
    assert!(own.is_empty(), "{own:?}");
    let acceptance = &catalog.acceptances[&done.id].spec;
    assert_eq!((acceptance.owner.as_str(), acceptance.reason.as_str()), ("no", request().reason.as_str()));

    let mut one = Vulnerability::new("CVE-2026-1111".parse().unwrap());
    one.package = Package::named("golang.org/x/net");
    let product = "shop".parse().unwrap();
    let covered = |image: &str, now: &str| {
        let mut register = Register::new([(&done.id, acceptance)], now.parse().unwrap());
        let place = Place { product: Some(&product), image: &image.parse().unwrap() };
        register.covering(place, &one).is_some()
    };
    assert!(covered("quay.io/acme/shop", "2026-12-15T23:00:00Z"));
    assert!(!covered("quay.io/acme/shop", "2026-12-16T00:00:00Z"));
    assert!(!covered("quay.io/acme/other", "2026-12-01T00:00:00Z"));
}

#[tokio::test]
async fn nothing_is_written_over_and_ids_go_on() {
    let memory = memory();
    // A file that can't be read is there all the same.
    memory.edit("pipelines/acceptances/RISK-7.yaml", "kind: Broken\n");
    let named = AcceptRequest { id: Some("RISK-7".parse().unwrap()), ..request() };
    let refused = accept(&memory, &named).await.unwrap_err();
    assert!(refused.contains("`pipelines/acceptances/RISK-7.yaml` is there already"), "{refused}");
    assert_eq!(memory.text("pipelines/acceptances/RISK-7.yaml").as_deref(), Some("kind: Broken\n"));
    assert_eq!(accept(&memory, &request()).await.unwrap().id.as_str(), "RISK-8");
}

#[tokio::test]
async fn what_is_wrong_is_told_and_nothing_is_written() {
    let memory = memory();
    let cases = [
        (AcceptRequest { until: "2026-11-21".parse().unwrap(), ..request() }, "has passed"),
        (
            AcceptRequest { products: vec!["shopp".parse().unwrap()], ..request() },
            "there is no product `shopp`",
        ),
        (AcceptRequest { owner: " ".to_owned(), ..request() }, "the owner is empty"),
        (AcceptRequest { reason: String::new(), ..request() }, "the reason is empty"),
        (AcceptRequest { packages: vec![String::new()], ..request() }, "the package is empty"),
        (AcceptRequest { vulnerabilities: Vec::new(), ..request() }, "vulnerabilit"),
    ];
    for (request, word) in cases {
        let refused = accept(&memory, &request).await.unwrap_err();
        assert!(refused.contains(word), "{word}: {refused}");
        assert_eq!(memory.text("pipelines/acceptances/RISK-1.yaml"), None, "{word}");
    }
}

#[tokio::test]
async fn what_is_only_shown_is_not_written() {
    let memory = memory();
    let shown = accept(&memory, &AcceptRequest { writes: false, ..request() }).await.unwrap();
    assert!(!shown.written && shown.text.contains("kind: Acceptance"));
    assert_eq!(memory.text(&shown.file), None);
}
