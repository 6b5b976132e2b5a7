//! Which product a thing is, what a file of one's own changes, and what stays unknown.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::{Date, date};

use super::dataset;
use super::known::{Known, Window, named, table};
use super::product::Identifier;
use super::standing::Phase;
use crate::diag::Source;
use crate::lcm::declared::Item;
use crate::model::Support;
use crate::yaml;

const FULL: &[u8] = include_bytes!("../../../tests/upstream/fixtures/endoflife/full.json");
const TODAY: Date = date(2026, 11, 22);

fn file(products: &str) -> Support {
    let text = format!("products: {products}\n");
    yaml::load(&Source::new("support.yaml", text.as_str())).unwrap().unwrap()
}

fn known(file: Option<&Support>) -> Known {
    Known::new(dataset::whole(FULL).unwrap().products, file)
}

fn image(text: &str) -> Item {
    Item::Image(text.parse().unwrap())
}

#[test]
fn the_table_is_read_whole_and_names_nothing_twice() {
    let table = table().unwrap();
    let entries: usize = table.products.iter().map(|product| product.of.len()).sum();
    assert!(entries > 70, "{entries}");
    assert_eq!(named(&table).len(), entries);
    let names: BTreeSet<&str> = table.products.iter().map(|product| product.name.as_str()).collect();
    assert_eq!(names.len(), table.products.len());
    assert!(table.products.iter().all(|product| product.cycles.is_empty()), "it holds no dates");
}

#[test]
fn things_are_found_by_identifiers_and_else_by_the_table() {
    let known = known(None);
    for (item, version, words) in [
        (image("redis"), "7.2.4-alpine", "Redis 7.2: end of life, nobody says since when"),
        (image("redis"), "8.10.1", "Redis 8.10: supported, no end is announced"),
        (image("quay.io/argoproj/argocd"), "v3.2.1", "Argo CD 3.2: end of life since 2026-08-04"),
        (
            image("quay.io/prometheus/prometheus"),
            "v3.13.1",
            "Prometheus 3.13 (LTS): support ends in 251 days, on 2027-07-31",
        ),
        (
            image("quay.io/jetstack/cert-manager-webhook"),
            "v1.17.2",
            "cert-manager 1.17: end of life since 2025-10-07",
        ),
        (
            image("debian"),
            "bookworm-20261016-slim",
            "Debian 12 (Bookworm): standard support ended on 2026-07-11; extended support ends in 586 days, on 2028-06-30",
        ),
        (
            Item::Tool("github:ArgoProj/argo-cd".parse().unwrap()),
            "v3.5.0",
            "Argo CD 3.5: supported, no end is announced",
        ),
        (
            Item::Kubernetes("eks".to_owned()),
            "v1.34.6-eks-1",
            "Amazon EKS 1.34: support ends in 10 days, on 2026-12-02",
        ),
        (
            Item::Kubernetes("stable-1.34".to_owned()),
            "1.34.6",
            "Kubernetes 1.34: end of life since 2026-10-27",
        ),
        (
            Item::Chart {
                repository: "https://charts.jetstack.io/".to_owned(),
                name: "cert-manager".to_owned(),
            },
            "v1.21.0",
            "cert-manager 1.21: supported, no end is announced",
        ),
    ] {
        assert_eq!(known.window(&item, version, TODAY).words(), words, "{item} {version}");
    }
}

#[test]
fn what_nobody_knows_is_unknown_and_never_supported() {
    let known = known(None);
    for (item, version, why) in [
        (image("quay.io/acme/shop"), "1.0", "no product with known support windows is known for it"),
        (image("redis"), "latest", "`latest` is of no cycle of Redis that is known"),
        (image("redis"), "6.2", "`6.2` is of no cycle of Redis that is known"),
        (
            Item::Kubernetes("gke".to_owned()),
            "1.34",
            "nothing was read of the product `google-kubernetes-engine`",
        ),
    ] {
        assert_eq!(known.window(&item, version, TODAY), Window::Unknown(why.to_owned()), "{item}");
    }
}

#[test]
fn two_products_that_claim_a_thing_are_not_chosen_between() {
    let mut products = dataset::whole(FULL).unwrap().products;
    let twin = Identifier { kind: "purl".to_owned(), id: "pkg:docker/library/redis".to_owned() };
    products
        .iter_mut()
        .filter(|product| product.name == "debian")
        .for_each(|p| Arc::make_mut(p).identifiers.push(twin.clone()));
    let claimed = Known::new(products.clone(), None);
    assert_eq!(
        claimed.window(&image("redis"), "8.10", TODAY),
        Window::Unknown("it is claimed by debian and redis".to_owned())
    );
    let file = file("[{ name: redis, of: [image: { repository: docker.io/library/redis }] }]");
    let decided = Known::new(products, Some(&file));
    assert!(decided.window(&image("redis"), "8.10", TODAY).standing().is_some());
}

#[test]
fn a_file_of_ones_own_replaces_a_cycle_and_adds_what_is_missing() {
    let file = file(
        "[{ name: eks, cycles: [{ cycle: '1.34', ends: 2027-01-31, note: contract, source: TAM }] }, \
         { name: ingress-nginx, of: [image: { repository: registry.k8s.io/ingress-nginx/controller }], \
           cycles: [{ cycle: '1.x', ends: 2026-03-31, source: https://kubernetes.io/blog }] }, \
         { name: cert-manager, of: [image: { repository: mirror.example.com/cert-manager }] }]",
    );
    let known = known(Some(&file));
    let window = known.window(&Item::Kubernetes("eks".to_owned()), "1.34.6", TODAY);
    assert_eq!(window.words(), "Amazon EKS 1.34: support ends in 70 days, on 2027-01-31");
    let Window::Known { note, source, standing, .. } = window else { panic!() };
    assert_eq!((note.as_deref(), source.as_str(), standing.extended), (Some("contract"), "TAM", None));
    let other = known.window(&Item::Kubernetes("eks".to_owned()), "1.35.1", TODAY);
    assert_eq!(other.standing().map(|standing| standing.phase), Some(Phase::Active), "the others stay");
    assert_eq!(
        known.window(&image("registry.k8s.io/ingress-nginx/controller"), "v1.14.3", TODAY).words(),
        "ingress-nginx 1.x: end of life since 2026-03-31"
    );
    let mirrored = known.window(&image("mirror.example.com/cert-manager"), "v1.17.2", TODAY);
    assert_eq!(mirrored.words(), "cert-manager 1.17: end of life since 2025-10-07");
}

#[test]
fn without_the_data_set_the_file_alone_still_counts() {
    let file = file("[{ name: amazon-eks, cycles: [{ cycle: '1.34', ends: 2026-12-02, source: x }] }]");
    let known = Known::new([], Some(&file));
    let eks = Item::Kubernetes("eks".to_owned());
    assert_eq!(
        known.window(&eks, "1.34", TODAY).words(),
        "amazon-eks 1.34: support ends in 10 days, on 2026-12-02"
    );
    assert!(known.window(&eks, "1.35", TODAY).standing().is_none());
}

#[test]
fn a_cycle_that_cannot_be_judged_says_so() {
    let told = br#"{"result":[{"name":"redis","label":"Redis","releases":[{"name":"8","isEol":"no"},{"isEol":false}],
        "identifiers":[{"type":"purl","id":"pkg:docker/library/redis"}]}]}"#;
    let known = Known::new(dataset::whole(told).unwrap().products, None);
    let window = |version: &str| known.window(&image("redis"), version, TODAY).words();
    assert_eq!(window("8.1"), "Redis 8: `isEol` is a text, expected true or false");
    assert_eq!(window("9.1"), "`9.1` is of no cycle of Redis that is known (2 cycles of it can't be read)");
}
