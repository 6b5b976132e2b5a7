//! "Not now" as a command: what is found by which name, and what is written.

use super::super::fake::Memory;
use super::*;

const SHOP: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: shop }\nspec:\n  version: 1.0.0\n  owner: sales\n  upstream:\n    - image: { repository: quay.io/a/server, version: v1.0.0 }\n    - image: { repository: quay.io/a/proxy, version: v1.0.0 }\n    - tool: { repository: github:a/shopctl, version: v1.0.0 }\n";
const OTHER: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: other }\nspec:\n  version: 1.0.0\n  owner: team\n  upstream:\n    - image: { repository: quay.io/a/proxy, version: v1.0.0 }\n";

fn request(thing: &str) -> DeferralRequest {
    DeferralRequest {
        id: None,
        thing: thing.to_owned(),
        product: None,
        up_to: None,
        owner: None,
        reason: "after the fair".to_owned(),
        until: "2026-12-15".parse().expect("an end"),
    }
}

async fn asked(memory: &Memory, request: &DeferralRequest) -> Result<DeferralAdded, String> {
    let now = "2026-11-22T20:00:00Z".parse().expect("a moment");
    defer(&memory.repository(), request, now).await.map_err(|error| error.to_string())
}

fn memory() -> Memory {
    Memory::with(&[("products/shop/product.yaml", SHOP), ("products/other/product.yaml", OTHER)])
}

#[tokio::test]
async fn a_file_says_who_puts_off_what_and_until_when() {
    let memory = memory();
    let one = DeferralRequest { up_to: Some("v2.0.0".to_owned()), ..request("server") };
    let added = asked(&memory, &one).await.expect("it is written");
    assert_eq!((added.product.as_str(), added.owner.as_str()), ("shop", "sales"));
    assert_eq!(added.thing.as_deref(), Some("quay.io/a/server"));
    assert_eq!(
        memory.text("pipelines/deferrals/DEFER-1.yaml").as_deref(),
        Some(
            "apiVersion: tidegate.dev/v1\nkind: Deferral\nmetadata:\n  name: \"DEFER-1\"\nspec:\n  product: \"shop\"\n  image: \"quay.io/a/server\"\n  upTo: \"v2.0.0\"\n  owner: \"sales\"\n  reason: \"after the fair\"\n  created: \"2026-11-22T20:00:00Z\"\n  until: \"2026-12-15\"\n"
        )
    );
    let whole = asked(&memory, &request("shop")).await.expect("it is written");
    assert_eq!((whole.id.as_str(), whole.thing), ("DEFER-2", None));
    let tool = asked(&memory, &request("github:a/shopctl")).await.expect("it is written");
    assert_eq!(tool.thing.as_deref(), Some("github:a/shopctl"));
}

#[tokio::test]
async fn what_is_not_clear_or_not_there_is_refused_and_nothing_is_written() {
    let memory = memory();
    let told = asked(&memory, &request("proxy")).await.expect_err("two products have it");
    assert!(told.contains("quay.io/a/proxy of other, quay.io/a/proxy of shop"), "{told}");
    let product = Some("other".parse().expect("a name"));
    let clear = asked(&memory, &DeferralRequest { product, ..request("proxy") }).await.expect("one has");
    assert_eq!(clear.owner, "team");
    let told = asked(&memory, &request("sever")).await.expect_err("nothing is called so");
    assert!(told.contains("no product declares `sever`"), "{told}");
    for (thing, up_to) in [("server", "latest"), ("shop", "newest"), ("kubernetes", "soon")] {
        let owner = Some("team".to_owned());
        let none = DeferralRequest { up_to: Some(up_to.to_owned()), owner, ..request(thing) };
        let told = asked(&memory, &none).await.expect_err("no version");
        assert!(told.contains(&format!("`{up_to}` is no version")), "{told}");
    }
    let past = DeferralRequest { until: "2026-11-21".parse().expect("an end"), ..request("server") };
    assert!(asked(&memory, &past).await.expect_err("it has passed").contains("has passed"));
    let empty = DeferralRequest { reason: " ".to_owned(), ..request("server") };
    assert!(asked(&memory, &empty).await.expect_err("no reason").contains("the reason is empty"));
    let told = asked(&memory, &request("kubernetes")).await.expect_err("nobody owns it");
    assert!(told.contains("nobody owns Kubernetes"), "{told}");
    let taken = DeferralRequest { id: Some("DEFER-1".parse().expect("an id")), ..request("server") };
    assert!(asked(&memory, &taken).await.expect_err("taken").contains("is there already"));
    assert_eq!(memory.text("pipelines/deferrals/DEFER-2.yaml"), None);
}
