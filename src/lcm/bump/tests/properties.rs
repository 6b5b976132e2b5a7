//! Whatever stands around it: exactly one scalar changes, and going back gives the bytes of before.

use proptest::prelude::*;

use super::*;

/// A scalar of any style that is no image.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9 ]{0,8}[a-z0-9]".prop_map(|text| text),
        "[a-zA-Z0-9 :#{}@&*!|>%-]{0,10}".prop_map(|text| format!("'{text}'")),
        "[a-zA-Z0-9 :#{}@&*!|>%-]{0,10}".prop_map(|text| format!("\"{text}\"")),
        Just("1.20".to_owned()),
        Just("[a, {b: c}]".to_owned()),
        Just("quay.io/acme/agent-extra:1.0.0".to_owned()),
        Just("~".to_owned()),
        Just("ü€😀".to_owned()),
    ]
}

/// Lines of a mapping at an indentation, each with a key of its own.
fn lines(prefix: &'static str, indent: usize) -> impl Strategy<Value = String> {
    let line = (scalar(), prop_oneof![Just(""), Just(" # 1.0.0 here"), Just("  ")]);
    prop::collection::vec(line, 0..4).prop_map(move |all| {
        let one = |(number, (scalar, after)): (usize, &(String, &str))| {
            format!("{}{prefix}{number}: {scalar}{after}\n", " ".repeat(indent))
        };
        all.iter().enumerate().map(one).collect()
    })
}

/// A document with one image in it, and the document with another tag in its place.
fn document() -> impl Strategy<Value = (String, String)> {
    let image = prop_oneof![
        Just("image: quay.io/acme/agent:@"),
        Just("image: 'quay.io/acme/agent:@'"),
        Just("image: \"quay.io/acme/agent:@\" # 1.0.0"),
        Just("spec: {image: quay.io/acme/agent:@, b: [1.0.0]}"),
        Just("tag: @\n    repository: quay.io/acme/agent"),
        Just("repository: quay.io/acme/agent\n    tag: \"@\""),
    ];
    let breaks = prop_oneof![Just("\n"), Just("\r\n")];
    let mark = prop_oneof![Just(""), Just("\u{feff}")];
    (lines("a", 0), lines("b", 4), image, lines("c", 4), lines("d", 0), breaks, mark).prop_map(
        |(a, b, image, c, d, breaks, mark)| {
            let at = |tag: &str| {
                let image = image.replace('@', tag);
                let text = format!("{a}top:\n  - k: v\n{b}    {image}\n{c}{d}---\nlast: 1\n");
                // The items' own indentation is that of the other lines.
                format!("{mark}{}", text.replace("  - k: v", "  - k:  v").replace('\n', breaks))
            };
            (at("1.0.0"), at("1.1.0"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_one_scalar_changes_and_the_way_back_gives_the_same_bytes((before, after) in document()) {
        let product = product(&[("a.yaml", &before)]);
        let up = bump(&request(&product, "1.1.0")).map_err(|f| TestCaseError::fail(format!("{f}\n{before}")))?;
        prop_assert_eq!(text(&up, "a.yaml"), after.as_str());
        prop_assert_eq!(edits(&up).len(), 1);
        let product = super::product(&[("a.yaml", &after)]);
        let down = bump(&with(request(&product, "1.0.0"), |asked| asked.lower = true));
        let down = down.map_err(|f| TestCaseError::fail(f.to_string()))?;
        prop_assert_eq!(text(&down, "a.yaml"), before.as_str());
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ -~\n\t]{0,80}", name in "[a-c]\\.(yaml|json|yaml\\.j2|md)") {
        let before = format!("image: quay.io/acme/agent:1.0.0\n{text}");
        let product = product(&[(name.as_str(), &before), ("x.yaml", "image: quay.io/acme/agent:1.0.0\n")]);
        if let Ok(done) = bump(&request(&product, "1.1.0")) {
            for (path, text) in &done.files {
                prop_assert!(!path.ends_with(&name) || text.contains("1.1.0") || text == &before);
            }
        }
    }
}
