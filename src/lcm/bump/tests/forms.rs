//! The forms in which files name an image.

use super::*;

/// Before, after: from 1.0.0 to 1.1.0.
const FORMS: &[(&str, &str)] = &[
    // Containers of every kind, and images as volumes.
    (
        "kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          initContainers:\n          \
         - image: quay.io/acme/agent:1.0.0 # first\n          ephemeralContainers: [{image: 'quay.io/acme/agent:1.0.0'}]\n          \
         volumes:\n          - image: {reference: \"quay.io/acme/agent:1.0.0\", pullPolicy: Always}\n",
        "kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          initContainers:\n          \
         - image: quay.io/acme/agent:1.1.0 # first\n          ephemeralContainers: [{image: 'quay.io/acme/agent:1.1.0'}]\n          \
         volumes:\n          - image: {reference: \"quay.io/acme/agent:1.1.0\", pullPolicy: Always}\n",
    ),
    // Several documents, lists of objects.
    (
        "---\n# one\na: 1\n---\nkind: List\nitems:\n- spec: {image: quay.io/acme/agent:1.0.0}\n...\n",
        "---\n# one\na: 1\n---\nkind: List\nitems:\n- spec: {image: quay.io/acme/agent:1.1.0}\n...\n",
    ),
    // Parts, in the order and style that they have.
    (
        "image:\n  tag: \"1.0.0\"\n  registry: quay.io\n  repository: acme/agent\n  digest: ''\n",
        "image:\n  tag: \"1.1.0\"\n  registry: quay.io\n  repository: acme/agent\n  digest: ''\n",
    ),
    ("image: quay.io/acme/agent\ntag: 1.0.0\n", "image: quay.io/acme/agent\ntag: 1.1.0\n"),
    (
        "a:\n  image: quay.io/acme/agent\n  imageTag: 1.0.0\n",
        "a:\n  image: quay.io/acme/agent\n  imageTag: 1.1.0\n",
    ),
    (
        "spec:\n  repository: quay.io/acme\n  image: agent\n  version: 1.0.0\n",
        "spec:\n  repository: quay.io/acme\n  image: agent\n  version: 1.1.0\n",
    ),
    (
        "global: { imageRegistry: quay.io }\na: { repository: acme/agent, tag: 1.0.0 }\n",
        "global: { imageRegistry: quay.io }\na: { repository: acme/agent, tag: 1.1.0 }\n",
    ),
    ("images:\n  main: quay.io/acme/agent:1.0.0\n", "images:\n  main: quay.io/acme/agent:1.1.0\n"),
    ("sidecarImage: quay.io/acme/agent:1.0.0\n", "sidecarImage: quay.io/acme/agent:1.1.0\n"),
    // Line breaks of Windows, and a mark at the beginning.
    (
        "\u{feff}a: 1\r\nimage: quay.io/acme/agent:1.0.0\r\n",
        "\u{feff}a: 1\r\nimage: quay.io/acme/agent:1.1.0\r\n",
    ),
    // No line break at the end.
    ("image: quay.io/acme/agent:1.0.0", "image: quay.io/acme/agent:1.1.0"),
];

#[test]
fn every_form_is_found_and_nothing_else_changes() {
    for (before, after) in FORMS {
        assert_eq!(moved(before, "1.1.0").unwrap_or_else(|f| panic!("{before}\n{f}")), *after);
    }
}

#[test]
fn json_keeps_its_tabs_and_its_quotes() {
    let before = "{\n\t\"kind\": \"Pod\", \"note\": \"\\ud83d\\ude00\",\n\t\"image\": \"quay.io/acme/agent:1.0.0\",\n\t\"x\": {\"image\": \"quay.io/acme/agent\", \"tag\": 2}\n}\n";
    let product = product(&[("a.json", before)]);
    let bump = bump(&with(request(&product, "1.1.0"), |asked| asked.from = Some("1.0.0".into()))).unwrap();
    assert_eq!(text(&bump, "a.json"), before.replace("1.0.0", "1.1.0"));
    let other = super::product(&[("a.json", before)]);
    let bump = super::bump(&with(request(&other, "v3"), |asked| asked.from = Some("2".into()))).unwrap();
    assert_eq!(text(&bump, "a.json"), before.replace(": 2", ": \"v3\""));
}

#[test]
fn a_tag_that_reads_as_a_number_is_quoted_where_its_text_needs_it() {
    let of = |old: &str, to: &str| {
        let product = product(&[("a.yaml", &format!("image: quay.io/acme/agent\ntag: {old}\n"))]);
        let request = with(request(&product, to), |asked| asked.version = Some(version("2.0.0")));
        let after = text(&bump(&request).unwrap(), "a.yaml").to_owned();
        after.split_once("tag: ").unwrap().1.trim_end().to_owned()
    };
    assert_eq!(of("1.9.0", "1.10"), "\"1.10\"", "a string stays one");
    assert_eq!(of("1.20", "1.30"), "\"1.30\"", "a number would lose its zero");
    assert_eq!(of("15", "16"), "16");
    assert_eq!(of("1.5", "1.6"), "1.6");
    assert_eq!(of("20250101", "20250202"), "\"20250202\"", "helm writes long numbers with an exponent");
    assert_eq!(of("'15'", "16"), "'16'");
    assert_eq!(of("v1.0", "1e3"), "\"1e3\"");
    assert_eq!(of("v1.0.0", "v1.1.0"), "v1.1.0");
}

#[test]
fn names_are_compared_as_runtimes_read_them() {
    for (written, upstream) in [
        ("redis:8.0.0", "docker.io/library/redis"),
        ("docker.io/redis:8.0.0", "docker.io/library/redis"),
        ("velero/velero:8.0.0", "docker.io/velero/velero"),
        ("r.example.com:5000/a:8.0.0", "r.example.com:5000/a"),
    ] {
        let product = product(&[("a.yaml", &format!("image: {written}\n"))]);
        let moving = Moving::Image(upstream.parse().unwrap());
        let bump = bump(&Request { moving, ..request(&product, "8.0.1") }).unwrap();
        assert_eq!(text(&bump, "a.yaml"), format!("image: {}\n", written.replace("8.0.0", "8.0.1")));
    }
}

#[test]
fn a_copy_at_a_mirror_keeps_its_name() {
    let before = "image: r.example.com/quay/acme/agent:1.0.0\nb: {image: quay.io/acme/agent:1.0.0}\n";
    let product = product(&[("a.yaml", before)]);
    let unnamed = bump(&request(&product, "1.1.0")).unwrap();
    assert_eq!(edits(&unnamed), ["b.image quay.io/acme/agent:1.0.0 -> quay.io/acme/agent:1.1.0"]);
    let mirrors = vec!["r.example.com/quay=quay.io".parse().unwrap()];
    let bump = bump(&with(request(&product, "1.1.0"), |asked| asked.mirrors = mirrors)).unwrap();
    assert_eq!(text(&bump, "a.yaml"), before.replace("1.0.0", "1.1.0"));
}

#[test]
fn what_is_near_is_left_and_told_with_its_reason() {
    let before = "# agent 1.0.0 is the last of its kind\n\
        a: { image: quay.io/acme/agent:1.0.0 }\n\
        b: { image: quay.io/acme/agent-extra:1.0.0 }\n\
        c: { image: quay.io/acme/agent:0.9.0 }\n\
        d: { image: ghcr.io/acme/agent:1.0.0 }\n\
        e: { image: quay.io/acme/agent }\n\
        args: [--agent=quay.io/acme/agent:1.0.0]\n\
        data:\n  x.yaml: |\n    image: quay.io/acme/agent:1.0.0\n";
    let product = product(&[("a.yaml", before), ("run.sh", "VERSION=1.0.0; OTHER=11.0.0\n")]);
    let bump = bump(&with(request(&product, "1.1.0"), |asked| asked.from = Some("1.0.0".into()))).unwrap();
    assert_eq!(text(&bump, "a.yaml"), before.replacen("agent:1.0.0", "agent:1.1.0", 1));
    assert_eq!(
        left(&bump),
        [
            "a.yaml:1 1.0.0 Mentioned",
            "a.yaml:3 quay.io/acme/agent-extra:1.0.0 AnotherImage",
            "a.yaml:4 quay.io/acme/agent:0.9.0 AnotherVersion",
            "a.yaml:5 ghcr.io/acme/agent:1.0.0 AnotherRegistry",
            "a.yaml:6 quay.io/acme/agent NoVersion",
            "a.yaml:7 1.0.0 Mentioned",
            "a.yaml:10 1.0.0 Block",
            "run.sh:1 1.0.0 Mentioned",
        ]
    );
}

#[test]
fn a_declared_field_is_a_field() {
    let before = "kind: Shop\nspec:\n  parts: [ quay.io/acme/agent:1.0.0, other:1 ]\n  release: 1.0.0\n---\n\
                  kind: Pod\nspec: { release: 1.0.0 }\n";
    let product = product(&[("a.yaml", before)]);
    let fields = ["Shop:spec.parts[]", "Shop:spec.release"].map(|field| field.parse().unwrap()).into();
    let bump = bump(&with(request(&product, "1.1.0"), |asked| asked.fields = fields)).unwrap();
    assert_eq!(text(&bump, "a.yaml"), before.replacen("1.0.0", "1.1.0", 2));
}

#[test]
fn a_digest_becomes_the_new_one_or_goes() {
    let old = digest('a');
    let before = format!(
        "a: {{ image: \"quay.io/acme/agent:1.0.0@{old}\" }}\nb:\n  repository: quay.io/acme/agent\n  tag: 1.0.0\n  digest: {old}\n\
         c: {{ image: quay.io/acme/agent, tag: 1.0.0, sha: {} }}\nd: {{ repository: quay.io/acme/agent, tag: \"1.0.0@{old}\" }}\n",
        "a".repeat(64)
    );
    let product = product(&[("a.yaml", &before)]);
    let new = digest('b');
    let bumped =
        bump(&with(request(&product, "1.1.0"), |asked| asked.digest = Digests::Become(new.clone()))).unwrap();
    let expected =
        before.replace("1.0.0", "1.1.0").replace(&old, &new).replace(&"a".repeat(64), &"b".repeat(64));
    assert_eq!(text(&bumped, "a.yaml"), expected);
    let bumped = bump(&with(request(&product, "1.1.0"), |asked| asked.digest = Digests::Drop)).unwrap();
    let expected = before
        .replace("1.0.0", "1.1.0")
        .replace(&format!("@{old}"), "")
        .replace(&format!("digest: {old}"), "digest: \"\"")
        .replace(&format!("sha: {}", "a".repeat(64)), "sha: \"\"");
    assert_eq!(text(&bumped, "a.yaml"), expected);
}

#[test]
fn a_digest_beside_a_whole_reference_goes_with_it() {
    let old = digest('a');
    for (reference, key) in [
        ("image", "imageDigest"),
        ("image", "digest"),
        ("image", "sha256"),
        ("sidecarImage", "sidecarImageDigest"),
        ("reference", "digest"),
    ] {
        let before = format!("image:\n  {key}: {old}\n  {reference}: quay.io/acme/agent:1.0.0\n");
        assert_eq!(moved(&before, "1.1.0").unwrap_err().iter().next().unwrap().code.id, "TG1054", "{before}");
        let product = product(&[("a.yaml", &before)]);
        let of = |digest| bump(&with(request(&product, "1.1.0"), |asked| asked.digest = digest)).unwrap();
        let after = before.replace("1.0.0", "1.1.0");
        let given = of(Digests::Become(digest('b')));
        assert_eq!(text(&given, "a.yaml"), after.replace(&old, &digest('b')));
        assert_eq!(text(&of(Digests::Drop), "a.yaml"), after.replace(&old, "\"\""));
    }
    // That of another one.
    let other = format!("image: quay.io/acme/agent:1.0.0\nsidecarImageDigest: {old}\n");
    assert_eq!(moved(&other, "1.1.0").unwrap(), other.replace("1.0.0", "1.1.0"));
}

#[test]
fn what_is_at_the_version_already_gets_its_digest() {
    let old = digest('a');
    let pinned = |version: &str| format!("image: quay.io/acme/agent:{version}@{old}\n");
    let both = format!("a: {{ {} }}\nb: {{ {} }}\n", pinned("1.0.0").trim(), pinned("1.1.0").trim());
    for (before, after) in
        [(both.clone(), both.replace("1.0.0", "1.1.0")), (pinned("1.1.0"), pinned("1.1.0"))]
    {
        let product = product(&[("a.yaml", &before)]);
        let of = |digest| bump(&with(request(&product, "1.1.0"), |asked| asked.digest = digest));
        let given = of(Digests::Become(digest('b'))).unwrap();
        assert_eq!(text(&given, "a.yaml"), after.replace(&old, &digest('b')));
        assert_eq!(text(&of(Digests::Drop).unwrap(), "a.yaml"), after.replace(&format!("@{old}"), ""));
    }
    let product = product(&[("a.yaml", &pinned("latest"))]);
    let of = |digest, from: Option<&str>| {
        bump(&with(request(&product, "latest"), |asked| {
            asked.digest = digest;
            asked.from = from.map(str::to_owned);
        }))
    };
    for from in [None, Some("latest")] {
        let moved = of(Digests::Become(digest('b')), from).unwrap();
        assert_eq!((moved.from.as_str(), moved.version.1.clone()), ("latest", version("1.2.4")));
        assert!(text(&moved, "CHANGELOG.md").ends_with("- `quay.io/acme/agent` latest: its digest\n"));
        assert!(left(&moved).is_empty());
        assert_eq!(codes(of(Digests::Become(old.clone()), from)), ["TG1052"], "nothing would change");
        assert_eq!(codes(of(Digests::Refuse, from)), ["TG1052"]);
    }
}

#[test]
fn a_value_with_an_anchor_moves_where_all_that_repeat_it_are_meant() {
    let both = "a: { image: &i quay.io/acme/agent:1.0.0 }\nb: { image: *i }\n";
    assert_eq!(moved(both, "1.1.0").unwrap(), both.replace("1.0.0", "1.1.0"));
    let merged = "x: &x { repository: quay.io/acme/agent, tag: 1.0.0 }\ny: { <<: *x, pull: Always }\n";
    assert_eq!(moved(merged, "1.1.0").unwrap(), merged.replace("1.0.0", "1.1.0"));
    for shared in [
        "label: &v 1.0.0\nimage: { repository: quay.io/acme/agent, tag: *v }\n",
        "image: { repository: quay.io/acme/agent, tag: &v 1.0.0 }\nlabel: *v\n",
        "x: &x { repository: quay.io/acme/agent, tag: 1.0.0 }\ny: { <<: *x, repository: quay.io/acme/other }\n",
    ] {
        let refused = moved(shared, "1.1.0").unwrap_err();
        assert_eq!(refused.iter().map(|f| f.code.id).collect::<Vec<_>>(), ["TG0011"], "{shared}");
        assert!(refused.to_string().contains("anchor"), "{refused}");
    }
}

#[test]
fn a_tool_is_found_by_its_name_in_keys() {
    let before = "helm: { version: v3.19.0, sha256: '' }\nhelmVersion: 3.19.0\nhelm_tag: v3.19.0 # tag\n\
                  helmet: { version: v3.19.0 }\nversion: v3.19.0\n";
    let product = product(&[("a.yaml", before)]);
    let moving = Moving::Tool("github:helm/helm".into());
    let bump = bump(&Request { moving, ..request(&product, "v3.19.2") }).unwrap();
    let expected = "helm: { version: v3.19.2, sha256: '' }\nhelmVersion: 3.19.2\nhelm_tag: v3.19.2 # tag\n\
                  helmet: { version: v3.19.0 }\nversion: v3.19.0\n";
    assert_eq!(text(&bump, "a.yaml"), expected);
    assert_eq!(left(&bump), ["a.yaml:4 v3.19.0 Mentioned", "a.yaml:5 v3.19.0 Mentioned"]);
}
