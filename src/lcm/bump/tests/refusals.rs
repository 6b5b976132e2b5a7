//! What is refused, and where it is told.

use super::*;

const IMAGE: &str = "image: quay.io/acme/agent:1.0.0\n";

#[test]
fn the_version_that_is_there_and_a_lower_one_are_refused() {
    let product = product(&[("a.yaml", IMAGE)]);
    assert_eq!(codes(bump(&request(&product, "1.0.0"))), ["TG1052"]);
    assert_eq!(codes(bump(&request(&product, "0.9.0"))), ["TG1053"]);
    let bumped = bump(&with(request(&product, "0.9.9"), |asked| asked.lower = true)).unwrap();
    assert_eq!(bumped.version.1, version("2.0.0"), "also backwards a major is a major");
}

#[test]
fn several_versions_are_not_guessed_between() {
    let two = "a: { image: quay.io/acme/agent:1.0.0 }\nb: { image: quay.io/acme/agent:2.0.0 }\n";
    let product = product(&[("a.yaml", two)]);
    let refused = bump(&request(&product, "3.0.0"));
    assert!(refused.as_ref().unwrap_err().to_string().contains("1.0.0, 2.0.0"));
    assert_eq!(codes(refused), ["TG1051"]);
    let many: String = ["edge", "2.10.0", "2.9.0", "1.0.0"]
        .map(|v| format!("- {{ image: quay.io/acme/agent:{v} }}\n"))
        .concat();
    let told = moved(&many, "3.0.0").unwrap_err().to_string();
    assert!(told.contains("1.0.0, 2.9.0, 2.10.0, edge"), "{told}");
    // What is there already takes no part.
    let bumped = bump(&request(&product, "2.0.0")).unwrap();
    assert_eq!(edits(&bumped), ["a.image quay.io/acme/agent:1.0.0 -> quay.io/acme/agent:2.0.0"]);
}

#[test]
fn what_nothing_names_is_told_with_what_is_named() {
    let product = product(&[("a.yaml", IMAGE)]);
    let refused = bump(&with(request(&product, "1.1.0"), |asked| asked.from = Some("1.0.1".into())));
    assert!(refused.as_ref().unwrap_err().to_string().contains("did you mean `1.0.0`?"));
    assert_eq!(codes(refused), ["TG1050"]);
    let moving = Moving::Image("quay.io/acme/other".parse().unwrap());
    assert_eq!(codes(bump(&Request { moving, ..request(&product, "1.1.0") })), ["TG1050"]);
}

#[test]
fn a_digest_that_would_stay_stops_it_at_its_place() {
    let before = format!("a: 1\nimage: quay.io/acme/agent:1.0.0@{}\n", digest('a'));
    let product = product(&[("a.yaml", &before)]);
    let refused = bump(&request(&product, "1.1.0")).unwrap_err();
    let finding = refused.iter().next().unwrap();
    assert_eq!(finding.code.id, "TG1054");
    assert_eq!(finding.place.as_ref().unwrap().to_string(), "products/agent/a.yaml:2:8");
    let wrong = Digests::Become("sha256:0".into());
    assert_eq!(codes(bump(&with(request(&product, "1.1.0"), |asked| asked.digest = wrong))), ["TG0105"]);
    let chroot =
        format!("repository: quay.io/acme/agent\ntag: 1.0.0\ndigest: {0}\ndigestChroot: {0}\n", digest('a'));
    let product = super::product(&[("a.yaml", &chroot)]);
    let given = Digests::Become(digest('b'));
    assert_eq!(codes(bump(&with(request(&product, "1.1.0"), |asked| asked.digest = given))), ["TG1054"]);
}

#[test]
fn a_digest_in_a_name_beside_a_tag_is_refused_at_its_place() {
    let before = format!("repository: \"quay.io/acme/agent@{}\"\ntag: 1.0.0\n", digest('a'));
    let product = product(&[("a.yaml", &before)]);
    for digest in [Digests::Refuse, Digests::Drop, Digests::Become(digest('b'))] {
        let refused = bump(&with(request(&product, "1.1.0"), |asked| asked.digest = digest)).unwrap_err();
        let finding = refused.iter().next().unwrap();
        assert_eq!(finding.code.id, "TG1054");
        assert_eq!(finding.place.as_ref().unwrap().to_string(), "products/agent/a.yaml:1:13");
    }
}

#[test]
fn a_digest_of_another_algorithm_takes_no_other_digits() {
    let (short, long) = ("a".repeat(64), "a".repeat(128));
    let moving = || Moving::Tool("github:helm/helm".into());
    for (key, old, given, fits) in [
        ("helmSha256", &short, digest('b'), true),
        ("helmSha512", &long, digest('b'), false),
        ("helmSha512", &long, format!("sha512:{}", "b".repeat(128)), true),
        ("helmChecksum", &long, digest('b'), false),
        ("helmChecksum", &short, digest('b'), true),
        ("helmChecksum", &"a".repeat(40), digest('b'), false),
        ("helmDigest", &format!("sha512:{long}"), digest('b'), false),
    ] {
        let before = format!("helmVersion: v3.19.0\n{key}: {old}\n");
        let product = product(&[("a.yaml", &before)]);
        let given = Digests::Become(given);
        let bumped = bump(&with(Request { moving: moving(), ..request(&product, "v3.19.2") }, |asked| {
            asked.digest = given
        }));
        match bumped {
            Ok(bumped) => assert!(fits && edits(&bumped).len() == 2, "{before}"),
            refused => {
                assert!(!fits, "{before}");
                assert_eq!(codes(refused), ["TG1054"], "{before}");
            }
        }
        let dropped = bump(&with(Request { moving: moving(), ..request(&product, "v3.19.2") }, |asked| {
            asked.digest = Digests::Drop
        }));
        assert_eq!(text(&dropped.unwrap(), "a.yaml"), format!("helmVersion: v3.19.2\n{key}: \"\"\n"));
    }
}

#[test]
fn a_version_that_is_none_is_refused() {
    let product = product(&[("a.yaml", IMAGE)]);
    for wrong in ["", "1.0 0", "1:2", "a\nb", "-1", "../x", &"1".repeat(129), "{{ x }}"] {
        assert_eq!(codes(bump(&request(&product, wrong))), ["TG0105"], "{wrong}");
    }
}

#[test]
fn what_cannot_be_compared_needs_the_products_version() {
    let product = product(&[("a.yaml", "image: quay.io/acme/agent:latest\n")]);
    assert_eq!(codes(bump(&request(&product, "1.1.0"))), ["TG1055"]);
    let bumped =
        bump(&with(request(&product, "1.1.0"), |asked| asked.version = Some(version("1.3.0")))).unwrap();
    assert_eq!((bumped.level, bumped.version.1), (None, version("1.3.0")));
}

#[test]
fn the_products_version_rises_above_all_that_have_a_tag() {
    let product = product(&[("a.yaml", IMAGE)]);
    let tagged = vec![version("1.2.3"), version("1.3.0")];
    assert_eq!(codes(bump(&Request { tagged: tagged.clone(), ..request(&product, "1.1.0") })), ["TG1056"]);
    for (asked, tagged, fits) in [
        ("1.2.3", &tagged, false),
        ("1.2.3", &Vec::new(), true),
        ("1.0.0", &Vec::new(), false),
        ("1.4.0", &tagged, true),
    ] {
        let request = with(Request { tagged: tagged.clone(), ..request(&product, "1.1.0") }, |wish| {
            wish.version = Some(version(asked))
        });
        assert_eq!(bump(&request).is_ok(), fits, "{asked}");
    }
}

#[test]
fn a_prerelease_of_the_product_says_nothing_about_what_follows() {
    let own = product_yaml("").replace("1.2.3", "1.3.0-rc.1");
    let product = product(&[("product.yaml", &own), ("a.yaml", IMAGE)]);
    assert_eq!(codes(bump(&request(&product, "1.1.0"))), ["TG1056"]);
}

#[test]
fn a_broken_file_that_speaks_of_it_stops_it() {
    let files = [("a.yaml", IMAGE), ("b.yaml", "image: quay.io/acme/agent:1.0.0\nimage: x\n")];
    assert_eq!(codes(bump(&request(&product(&files), "1.1.0"))), ["TG0004"]);
    let files = [("a.yaml", IMAGE), ("b.yaml", "{{ nothing of it\n")];
    assert!(bump(&request(&product(&files), "1.1.0")).is_ok());
}

#[test]
fn the_products_file_keeps_its_comment_and_its_other_versions() {
    let own = product_yaml(
        "  requires: { base: 1.0.0 }\n  upstream:\n    - image: { repository: quay.io/acme/agent }\n",
    );
    let product = product(&[("product.yaml", &own), ("a.yaml", IMAGE)]);
    let bumped = bump(&request(&product, "1.0.1")).unwrap();
    assert_eq!(text(&bumped, "product.yaml"), own.replace("1.2.3", "1.2.4"));
    assert_eq!(bumped.files.len(), 3, "{:?}", bumped.files.keys());
}

#[test]
fn a_file_that_is_no_text_stops_it_where_it_is_deployed_or_tested() {
    let own = product_yaml(
        "  deploy:\n    - helm: { chart: chart, namespace: x }\n    - run: { command: [./run.sh], idempotent: true }\n",
    );
    let chart = "apiVersion: v2\nname: c\nversion: 0.1.0\n";
    let files =
        [("product.yaml", own.as_str()), ("a.yaml", IMAGE), ("chart/Chart.yaml", chart), ("run.sh", "")];
    for (path, stops) in [
        ("b.yaml", true),
        ("b.yaml.j2", true),
        ("chart/values.yaml", true),
        ("chart/templates/b.yaml", true),
        ("run.sh", true),
        ("logo.png", false),
    ] {
        let mut product = product(&files);
        let bytes = b"image: quay.io/acme/agent:1.0.0 # \xe9".to_vec();
        product.folder.insert(path, crate::model::File { bytes: bytes.into(), executable: false });
        let bumped = bump(&request(&product, "1.1.0"));
        if stops {
            let told = bumped.as_ref().unwrap_err().to_string();
            assert!(told.contains(&format!("products/agent/{path}:1:35")), "{told}");
            assert_eq!(codes(bumped), ["TG0001"]);
        } else {
            assert_eq!(left(&bumped.unwrap()), [format!("{path}:1  NoText")]);
        }
    }
}

#[test]
fn a_changelog_that_is_no_text_is_not_overwritten() {
    let mut product = product(&[("a.yaml", IMAGE)]);
    let file = crate::model::File { bytes: vec![0xff, 0xfe, 0].into(), executable: false };
    product.folder.insert("CHANGELOG.md", file);
    assert_eq!(codes(bump(&request(&product, "1.1.0"))), ["TG1058"]);
}

#[test]
fn a_version_with_build_metadata_is_no_tag() {
    let image = product(&[("a.yaml", "image: quay.io/acme/agent:1.0.0\n")]);
    let refused = bump(&request(&image, "1.1.0+k3s1")).unwrap_err();
    assert!(refused.to_string().contains("a tag: letters"), "{refused}");
    assert_eq!(codes(Err(refused)), ["TG0105"]);
    let tool = product(&[("a.yaml", "agent:\n  version: 1.0.0\n")]);
    let moving = Moving::Tool("github:acme/agent".into());
    let request = Request { moving, ..request(&tool, "1.1.0+k3s1") };
    let bumped = bump(&with(request, |asked| asked.version = Some(version("1.3.0")))).unwrap();
    assert_eq!(edits(&bumped), ["agent.version 1.0.0 -> 1.1.0+k3s1"]);
}

#[test]
fn an_option_that_fits_nothing_is_told() {
    let plain = product(&[("a.yaml", "image: quay.io/acme/agent:1.0.0\n")]);
    let idle = |product: &_, change: &dyn Fn(&mut Asked)| {
        let bumped = bump(&with(request(product, "1.1.0"), change)).unwrap();
        bumped.idle.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("\n")
    };
    let mirror = |text: &str| vec![text.parse().unwrap()];
    assert_eq!(idle(&plain, &|_| {}), "");
    for (change, told) in [
        (
            &(|a: &mut Asked| a.digest = Digests::Become(digest('a'))) as &dyn Fn(&mut Asked),
            "`--digest` fits",
        ),
        (&|a| a.digest = Digests::Drop, "`--drop-digest` fits nothing: no digest stands beside"),
        (&|a| a.mirrors = mirror("r.example.com/quay=quay.io"), "`--mirror r.example.com/quay=quay.io` fits"),
        (
            &|a| a.fields = vec!["Shop:spec.parts[].image".parse().unwrap()],
            "`--field Shop:spec.parts[].image`",
        ),
    ] {
        let found = idle(&plain, change);
        assert!(found.starts_with(told) && found.lines().count() == 1, "{found}");
    }
    let copied = product(&[("a.yaml", "image: r.example.com/quay/acme/agent:1.0.0\n")]);
    assert_eq!(idle(&copied, &|a| a.mirrors = mirror("r.example.com/quay=quay.io")), "");
    let pinned = format!("image: quay.io/acme/agent:1.0.0@{}\n", digest('a'));
    let pinned = product(&[("a.yaml", &pinned)]);
    assert_eq!(idle(&pinned, &|a| a.digest = Digests::Become(digest('b'))), "");
}
