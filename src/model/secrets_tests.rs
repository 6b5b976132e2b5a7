//! What counts as a secret, and that no finding shows one.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::diag::Source;
use crate::yaml;

fn node(text: &str) -> Node {
    yaml::parse(&Source::new("values.yaml", text)).unwrap().unwrap()
}

#[test]
fn a_key_is_a_secret_by_its_last_words() {
    for key in [
        "password",
        "Password",
        "dbPassword",
        "DB_PASSWORD",
        "admin-password",
        "token",
        "authToken",
        "apiKey",
        "API_KEY",
        "apikey",
        "secretKey",
        "secret_access_key",
        "privateKey",
        "private-key",
        "clientSecret",
        "webhookSecret",
        "passphrase",
        "dbpassword",
        "password2",
        "tls.privateKey",
        "APIKey",
        "credentials",
    ] {
        assert!(is_secret_key(key), "{key} was not taken for a secret");
    }
    for key in [
        "passwordFile",
        "passwordKey",
        "tokenTTL",
        "secretName",
        "existingSecret",
        "imagePullSecret",
        "publicKey",
        "key",
        "tokens",
        "automountServiceAccountToken_enabled",
        "tlsSecret",
        "monkey",
        "",
        "keyring",
        "secretRef",
    ] {
        assert!(!is_secret_key(key), "{key} was taken for a secret");
    }
}

#[test]
fn a_literal_secret_is_found_and_no_finding_shows_it() {
    let values = node(
        "db:\n  password: hunter2 # and a comment\n  user: app\nkeys: [{ apiKey: hunter2 }]\ntoken: [hunter2]\npassword: 42\n",
    );
    let findings = in_values(&values);
    let places: Vec<_> =
        findings.iter().map(|f| f.place.as_ref().map(|p| (p.line(), p.column())).unwrap()).collect();
    assert_eq!(findings.len(), 4);
    for place in [(2, 13), (4, 18), (5, 9), (6, 11)] {
        assert!(places.contains(&place), "{place:?} is not among {places:?}");
    }
    let shown = format!("{findings} {findings:?} {}", serde_json::to_string(&findings).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("password: ***"), "{shown}");
}

#[test]
fn empty_texts_switches_and_references_are_no_literal_secrets() {
    let values = node(
        "password: \"\"\ntoken: true\napiKey: ~\nsecretKey: { secretRef: { env: KEY } }\nmaxToken: 5\n\
         clientSecret: { secretRef: { exec: [pass, show, x] } }\n",
    );
    assert_eq!(in_values(&values), Findings::new());
    let (found, _) = references(&values);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].0, "/secretKey");
    assert_eq!(found[0].1, SecretRef::Env("KEY".into()));
    assert_eq!(found[1].1, SecretRef::Exec(vec!["pass".into(), "show".into(), "x".into()]));
}

#[test]
fn a_malformed_reference_says_what_a_reference_is() {
    for (text, message) in [
        ("a: { secretRef: { envv: X } }", "`envv` is no source of secrets"),
        ("a: { secretRef: X }", "a `secretRef` names one of `env`, `file` or `exec`, found a string"),
        ("a: { secretRef: { env: X }, b: 1 }", "and here `b` too"),
        ("a: { secretRef: { env: X, file: Y } }", "names one of"),
        ("a: { secretRef: { exec: pass } }", "`exec` is a list"),
        ("a: { secretRef: { env: '' } }", "found an empty text"),
    ] {
        let findings = in_values(&node(text));
        assert_eq!(findings.len(), 1, "{text}");
        let finding = findings.iter().next().unwrap();
        assert!(finding.message.contains(message), "{text}: {}", finding.message);
    }
}

#[test]
fn a_secret_manifest_with_literal_data_is_found_and_a_templated_one_is_not() {
    let object = node(
        "apiVersion: v1\nkind: Secret\nmetadata: { name: x }\nstringData:\n  user: admin\n  pin: xxxxx\ndata:\n  empty: ''\n",
    );
    assert_eq!(in_manifest(&object, &|_| false).len(), 2);
    let templated = in_manifest(&object, &|place| place.text() == "xxxxx");
    assert_eq!(templated.len(), 1);
    assert!(!templated.to_string().contains("admin"), "{templated}");
}

#[test]
fn an_environment_variable_named_like_a_secret_is_found() {
    let pod = node(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - env:\n        - { name: DB_PASSWORD, value: hunter2 }\n        \
         - { name: TOKEN, valueFrom: { secretKeyRef: { name: a, key: b } } }\n        \
         - { name: API_KEY, value: $(OTHER) }\n        - { name: USER, value: app }\n",
    );
    let findings = in_manifest(&pod, &|_| false);
    assert_eq!(findings.len(), 1);
    assert!(!findings.to_string().contains("hunter2"));
}
