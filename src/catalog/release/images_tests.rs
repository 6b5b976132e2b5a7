//! Locks with the digests of images.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::super::product::Content;
use super::super::testing::{catalog, lines, tree};
use super::*;
use crate::catalog::Catalog;
use crate::diag::Findings;
use crate::model::image::Image;
use crate::model::{Lock, ProductName, ReleaseId};

const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: app }\nspec:\n  version: 1.0.0\n  owner: team\n  \
    deploy:\n    - manifests: { path: manifests }\n    - helm: { chart: chart, namespace: x }\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec:\n  containers:\n    - { name: a, image: redis:8 }\n    \
    - { name: b, image: quay.io/org/b:1 }\n";

fn id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

fn image(text: &str) -> Image {
    text.parse().unwrap()
}

fn digest_of(c: char) -> String {
    format!("sha256:{}", c.to_string().repeat(64))
}

fn tagged(pod: &str, values: &str) -> BTreeMap<ProductName, Tagged> {
    tagged_as("1.0.0", pod, values)
}

fn tagged_as(version: &str, pod: &str, values: &str) -> BTreeMap<ProductName, Tagged> {
    let tree = tree(&[
        ("product.yaml", &PRODUCT.replace("1.0.0", version)),
        ("manifests/a.yaml", pod),
        ("chart/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"),
        ("chart/values.yaml", values),
    ]);
    let content = Content::at(&tree, "products/app").unwrap();
    [("app".parse().unwrap(), Tagged { commit: "c".repeat(40), content })].into()
}

fn release(id: &str, more: &str, lock: Option<&Lock>) -> (String, String) {
    let lock = lock.map(|lock| format!("lock: {}\n", serde_json::to_string(lock).unwrap()));
    let text = format!(
        "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n  kubernetes: \"1.36\"\n{more}  products: {{ app: 1.0.0 }}\n{}",
        lock.unwrap_or_default()
    );
    (format!("releases/{id}.yaml"), text)
}

fn of(files: &[(String, String)]) -> Catalog {
    catalog(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

/// Cuts with these digests, whatever else is asked for.
fn with(catalog: &Catalog, id: &ReleaseId, pod: &str, digests: &[(&str, char)]) -> Cut {
    let cut = cut(catalog, id, &tagged(pod, "{}\n")).unwrap();
    let (_, mut all) = cut.unresolved(catalog, id).unwrap();
    all.extend(digests.iter().map(|(text, c)| (image(text), digest_of(*c))));
    cut.with_digests(catalog, id, &all)
}

fn fixed() -> Lock {
    let catalog = of(&[release("R1", "", None)]);
    with(&catalog, &id("R1"), POD, &[("redis:8", 'a'), ("quay.io/org/b:1", 'b')]).lock
}

#[test]
fn a_lock_with_digests_has_full_names_in_order_and_is_another_one() {
    let lock = fixed();
    assert_eq!(lock.format, 2);
    let names = [
        format!("docker.io/library/redis:8@{}", digest_of('a')),
        format!("quay.io/org/b:1@{}", digest_of('b')),
    ];
    assert_eq!(lock.images, names);
    let plain = cut(&of(&[release("R1", "", None)]), &id("R1"), &tagged(POD, "{}\n")).unwrap().lock;
    assert_eq!(
        (plain.format, plain.images.as_slice()),
        (1, ["quay.io/org/b:1", "redis:8"].map(String::from).as_slice())
    );
    assert_ne!(plain.digest, lock.digest);
    assert!(locked(&of(&[release("R1", "", Some(&lock))]), &id("R1")).is_ok());
}

#[test]
fn a_program_that_knows_format_1_alone_can_read_the_lock_and_its_number() {
    // The fields of format 1, as they were before there was another one.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    #[allow(dead_code)]
    struct First {
        format: u32,
        digest: String,
        parent: Option<String>,
        cut_by: Option<String>,
        products: BTreeMap<String, Product>,
        #[serde(default)]
        images: Vec<String>,
    }
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Product {
        version: String,
        commit: String,
        digest: String,
    }
    let read: First = serde_json::from_str(&serde_json::to_string(&fixed()).unwrap()).unwrap();
    assert_eq!(read.format, 2);
}

#[test]
fn a_release_that_was_cut_with_digests_is_not_asked_about_again() {
    let lock = fixed();
    let catalog = of(&[release("R1", "", Some(&lock))]);
    let again = cut(&catalog, &id("R1"), &tagged(POD, "{}\n")).unwrap();
    assert!(again.unchanged);
    assert_eq!(again.lock, lock);
    let (asked, known) = again.unresolved(&catalog, &id("R1")).unwrap();
    assert!(asked.is_empty() && known.is_empty());
    assert_eq!(again.with_digests(&catalog, &id("R1"), &BTreeMap::new()).lock, lock);
}

#[test]
fn a_release_that_was_cut_without_digests_does_not_get_them_afterwards() {
    let plain = cut(&of(&[release("R1", "", None)]), &id("R1"), &tagged(POD, "{}\n")).unwrap().lock;
    let catalog = of(&[release("R1", "", Some(&plain))]);
    let again = cut(&catalog, &id("R1"), &tagged(POD, "{}\n")).unwrap();
    assert!(again.unchanged);
    let refused = again.unresolved(&catalog, &id("R1")).unwrap_err();
    assert_eq!(refused.iter().map(|f| f.code.id).collect::<Vec<_>>(), ["TG0505"]);
}

#[test]
fn where_no_tag_is_named_the_lock_stays_as_it_always_was() {
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: a }}\nspec:\n  containers:\n    - {{ name: a, image: \"redis:8@{}\" }}\n",
        digest_of('a')
    );
    let catalog = of(&[release("R1", "", None)]);
    let plain = cut(&catalog, &id("R1"), &tagged(&pod, "{}\n")).unwrap();
    let fixed = with(&catalog, &id("R1"), &pod, &[]);
    assert_eq!(fixed.lock, plain.lock);
    assert_eq!(fixed.lock.format, 1);
}

#[test]
fn what_a_file_fixed_stands_without_its_tag() {
    let pod = format!("{POD}    - {{ name: c, image: \"redis:8@{}\" }}\n", digest_of('c'));
    let catalog = of(&[release("R1", "", None)]);
    let lock = with(&catalog, &id("R1"), &pod, &[("redis:8", 'a'), ("quay.io/org/b:1", 'b')]).lock;
    assert_eq!(
        lock.images,
        [
            format!("docker.io/library/redis:8@{}", digest_of('a')),
            format!("docker.io/library/redis@{}", digest_of('c')),
            format!("quay.io/org/b:1@{}", digest_of('b')),
        ]
    );
    assert_eq!(lock.image_digests()[&image("redis:8")], digest_of('a'));
    assert!(locked(&of(&[release("R1", "", Some(&lock))]), &id("R1")).is_ok());
}

#[test]
fn what_a_chart_completes_is_told_and_what_is_no_image_stops() {
    let catalog = of(&[release("R1", "", None)]);
    let values = "image: { repository: quay.io/org/app, tag: \"\" }\n";
    let half = cut(&catalog, &id("R1"), &tagged(POD, values)).unwrap();
    let (asked, _) = half.unresolved(&catalog, &id("R1")).unwrap();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let digests = asked.keys().map(|image| (image.clone(), digest_of('a'))).collect();
    let told = half.with_digests(&catalog, &id("R1"), &digests).findings;
    assert_eq!(told.iter().map(|f| f.code.id).collect::<Vec<_>>(), ["TG0525"]);
    let wrong =
        cut(&catalog, &id("R1"), &tagged(POD, "image: { repository: quay.io/Org/app, tag: \"1\" }\n"));
    let refused = wrong.unwrap().unresolved(&catalog, &id("R1")).unwrap_err();
    assert_eq!(lines(&refused), ["TG0524 products/app/chart/values.yaml:1:44"]);
}

#[test]
fn a_hotfix_takes_over_what_its_parent_fixed() {
    let files = [release("R1", "", Some(&fixed())), release("R1.1", "  parent: R1\n  lane: hotfix\n", None)];
    let catalog = of(&files);
    let cut = cut(&catalog, &id("R1.1"), &tagged(POD, "{}\n")).unwrap();
    let (asked, known) = cut.unresolved(&catalog, &id("R1.1")).unwrap();
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(cut.with_digests(&catalog, &id("R1.1"), &known).lock.images, fixed().images);
    let files = [release("R1", "", Some(&fixed())), release("R2", "  parent: R1\n", None)];
    let catalog = of(&files);
    let cut = super::cut(&catalog, &id("R2"), &tagged(POD, "{}\n")).unwrap();
    assert_eq!(cut.unresolved(&catalog, &id("R2")).unwrap().0.len(), 2, "a normal release asks anew");
    let lost = cut.lost_digests(&catalog, &id("R2")).unwrap();
    assert_eq!(
        (lost.code.id, lost.next.as_deref()),
        ("TG0526", Some("tidegate release cut R2 --resolve-images"))
    );
}

#[test]
fn a_hotfix_keeps_what_its_parent_fixed_where_nobody_is_asked() {
    let hotfix = "  parent: R1\n  lane: hotfix\n";
    let catalog = of(&[release("R1", "", Some(&fixed())), release("R1.1", hotfix, None)]);
    let bare = cut(&catalog, &id("R1.1"), &tagged(POD, "{}\n")).unwrap();
    let kept = bare.clone().keeping(&catalog, &id("R1.1")).unwrap();
    assert_eq!((kept.lock.format, &kept.lock.images), (2, &fixed().images));
    assert!(kept.lost_digests(&catalog, &id("R1.1")).is_none());
    assert!(locked(&catalog, &id("R1")).is_ok());
    // A new image: half a lock is none.
    let more = format!("{POD}    - {{ name: c, image: redis:9 }}\n");
    let (path, text) = release("R1.2", hotfix, None);
    let raised = (path, text.replace("app: 1.0.0", "app: 1.0.1"));
    let other = of(&[release("R1", "", Some(&fixed())), raised]);
    let new = cut(&other, &id("R1.2"), &tagged_as("1.0.1", &more, "{}\n")).unwrap();
    let refused = new.keeping(&other, &id("R1.2")).unwrap_err();
    let told: Vec<_> = refused.iter().map(|f| (f.code.id, f.next.as_deref())).collect();
    assert_eq!(told, [("TG0526", Some("tidegate release cut R1.2 --resolve-images"))]);
    assert!(refused.has_errors());
    // What was cut without digests stays as it is, and a normal release decides for itself.
    let catalog = of(&[release("R1", "", Some(&fixed())), release("R1.1", hotfix, Some(&bare.lock))]);
    let again = cut(&catalog, &id("R1.1"), &tagged(POD, "{}\n")).unwrap();
    assert_eq!(again.keeping(&catalog, &id("R1.1")).unwrap().lock, bare.lock);
    let catalog = of(&[release("R1", "", Some(&fixed())), release("R2", "  parent: R1\n", None)]);
    let normal = cut(&catalog, &id("R2"), &tagged(POD, "{}\n")).unwrap();
    assert_eq!(normal.keeping(&catalog, &id("R2")).unwrap().lock.format, 1);
}

#[test]
fn the_form_of_a_lock_with_digests_is_checked() {
    let wrong = |change: fn(&mut Lock)| {
        let mut lock = fixed();
        change(&mut lock);
        let findings: Findings = locked(&of(&[release("R1", "", Some(&lock))]), &id("R1")).unwrap_err();
        let first = findings.iter().next().unwrap().clone();
        assert_eq!(first.code.id, "TG0502");
        first.message
    };
    assert_eq!(wrong(|lock| lock.images.clear()), "the lock of `R1` has format 2 and no images");
    assert_eq!(wrong(|lock| lock.images.reverse()), "the images in the lock of `R1` are not sorted");
    assert_eq!(wrong(|lock| lock.images[0] = "redis:8".into()), "`redis:8` is no image with its digest");
    assert_eq!(
        wrong(|lock| lock.images[0] = "docker.io/library/redis:8@sha256:00".into()),
        "`docker.io/library/redis:8@sha256:00` is no image with its digest"
    );
    assert!(
        wrong(|lock| lock.images[1] = format!("docker.io/library/redis:8@{}", digest_of('b')))
            .contains("two digests of `docker.io/library/redis:8`")
    );
    // Well formed, and not what was cut.
    assert_eq!(
        wrong(|lock| lock.images[0] = format!("docker.io/library/redis:8@{}", digest_of('f'))),
        "the lock of `R1` does not belong to what the release says"
    );
    assert_eq!(
        wrong(|lock| _ = lock.images.pop()),
        "the lock of `R1` does not belong to what the release says"
    );
}

#[test]
fn a_format_that_nobody_knows_is_refused() {
    let lock = Lock { format: 3, ..fixed() };
    let refused = locked(&of(&[release("R1", "", Some(&lock))]), &id("R1")).unwrap_err();
    let told = refused.iter().next().unwrap();
    assert_eq!(
        (told.code.id, told.label.as_deref()),
        ("TG0503", Some("this tidegate knows the formats 1 and 2"))
    );
}

#[test]
fn images_of_two_locks_are_compared() {
    let file = |lock: &Lock, id: &str| {
        let catalog = of(&[release(id, "", Some(lock))]);
        catalog.releases.values().next().unwrap().file.clone()
    };
    let one = fixed();
    let other = Lock {
        images: vec![
            format!("docker.io/library/redis:8@{}", digest_of('e')),
            format!("quay.io/org/c:1@{}", digest_of('b')),
        ],
        ..one.clone()
    };
    let found = diff(&file(&one, "R1"), &file(&other, "R2")).images;
    let line =
        |change: &ImageChange| format!("{} {} {}", change.image, change.from.is_some(), change.to.is_some());
    let lines: Vec<String> = found.iter().map(line).collect();
    assert_eq!(
        lines,
        ["docker.io/library/redis:8 true true", "quay.io/org/b:1 true false", "quay.io/org/c:1 false true"]
    );
    let plain = Lock { format: 1, ..one.clone() };
    assert!(diff(&file(&plain, "R1"), &file(&other, "R2")).images.is_empty());
}

#[test]
fn every_image_that_values_name_is_asked_for_and_an_earlier_lock_that_lacks_some_stays() {
    let values = "image: { repository: q.io/shop/api, tag: '1.4.2' }\nsidecarImage: q.io/shop/api:1.4.3\ninitImage: q.io/shop/web:v1\n";
    let catalog = of(&[release("R1", "", None)]);
    let new = cut(&catalog, &id("R1"), &tagged(POD, values)).unwrap();
    let (asked, _) = new.unresolved(&catalog, &id("R1")).unwrap();
    let asked: Vec<String> = asked.keys().map(ToString::to_string).collect();
    let of_values = ["q.io/shop/api:1.4.2", "q.io/shop/api:1.4.3", "q.io/shop/web:v1"];
    assert_eq!(asked, [&["docker.io/library/redis:8"], &of_values[..], &["quay.io/org/b:1"]].concat());
    // What a program that did not look at such keys would have written.
    let known = ["redis:8", "q.io/shop/api:1.4.2", "quay.io/org/b:1"];
    let mut before = new;
    before.images.retain(|one, _| known.iter().any(|text| image(text) == *one));
    let digests = known.map(|text| (image(text), digest_of('a'))).into();
    let before = before.with_digests(&catalog, &id("R1"), &digests).lock;
    let catalog = of(&[release("R1", "", Some(&before))]);
    let again = cut(&catalog, &id("R1"), &tagged(POD, values)).unwrap();
    assert!(again.unchanged && again.lock == before);
    assert!(again.unresolved(&catalog, &id("R1")).unwrap().0.is_empty());
}
