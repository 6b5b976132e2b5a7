//! Rules about the file of sources: that hosts and mirrors are named as images and charts name them, each once,
//! and that what is asked instead is an address. How they answer is found when they are asked.

use crate::diag::{Finding, Findings, codes};
use crate::yaml::Spanned;

use super::super::Catalog;
use super::{filled, twice};

pub(super) fn rules(catalog: &Catalog, findings: &mut Findings) {
    let Some(loaded) = &catalog.sources else { return };
    let sources = &loaded.spec;
    for host in &sources.hosts {
        findings.extend(named(&host.value.host, "the host", false));
        findings.extend(host.value.endpoint.as_ref().and_then(address));
    }
    for mirror in &sources.mirrors {
        findings.extend(named(&mirror.value.at, "the mirror", true));
        findings.extend(named(&mirror.value.of, "what is mirrored", true));
        let bare = |text: &str| text.trim_end_matches('/').to_owned();
        if bare(&mirror.value.at.value) == bare(&mirror.value.of.value) {
            let message = format!("`{}` is a mirror of itself", mirror.value.at.value);
            findings.push(Finding::error(&codes::INVALID_VALUE, message).at(&mirror.value.of.place));
        }
    }
    findings.extend(super::scans::rules(&sources.scans));
    for images in &sources.images {
        findings.extend(filled(&images.value.group, "the group"));
        findings.extend(filled(&images.value.kind, "the kind"));
    }
    let hosts = sources.hosts.iter().map(|host| (&host.value.host.value, &host.value.host.place));
    findings.extend(twice(hosts, "the host"));
    let mirrors = sources.mirrors.iter().map(|mirror| (&mirror.value.at.value, &mirror.value.at.place));
    findings.extend(twice(mirrors, "the mirror"));
}

/// That something is named as in a reference of an image: `HOST` or `HOST:PORT`, and where it may be a folder,
/// `HOST/FOLDER`.
pub(super) fn named(text: &Spanned<String>, what: &str, folder: bool) -> Option<Finding> {
    let wrong = |why: &str| {
        let message = format!("{what} `{}` {why}", text.value);
        let hint = "write it as images name it, such as registry.example.com or registry.example.com:5000";
        Finding::error(&codes::INVALID_VALUE, message).at(&text.place).hint(hint)
    };
    if let Some(empty) = filled(text, what) {
        return Some(empty);
    }
    if text.value.contains("://") {
        return Some(wrong("is an address"));
    }
    if text.value.contains(char::is_whitespace) || text.value.contains('@') {
        return Some(wrong("is no name of a host"));
    }
    (!folder && text.value.contains('/')).then(|| wrong("has a path, and a host has none"))
}

/// That an address can be asked, and holds no credentials.
pub(super) fn address(text: &Spanned<String>) -> Option<Finding> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.value.strip_prefix(scheme));
    let wrong = |message: String, hint: &str| {
        Some(Finding::error(&codes::INVALID_VALUE, message).at(&text.place).hint(hint))
    };
    match rest {
        None => {
            let hint = "write it with https:// or http://";
            wrong(format!("`{}` is no address that can be asked", text.value), hint)
        }
        Some(rest) if rest.split('/').next().unwrap_or_default().contains('@') => {
            let hint =
                "log in instead, as `docker login HOST` does; no file of a repository holds credentials";
            let finding = Finding::error(&codes::INVALID_VALUE, "the address holds credentials");
            Some(finding.at(&text.place).hint(hint).masking(std::slice::from_ref(&text.place)))
        }
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            wrong(format!("`{}` names no host", text.value), "write https://HOST/PATH")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::catalog;
    use super::*;

    fn told(spec: &str) -> Vec<String> {
        let file = format!(
            "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: {{ name: sample }}\nspec:\n{spec}"
        );
        let mut findings = Findings::new();
        rules(&catalog(&[("pipelines/sources.yaml", &file)]), &mut findings);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn hosts_and_mirrors_as_images_name_them_are_fine() {
        let spec = "  hosts:\n    - { host: registry.example.com:5000, endpoint: \"http://127.0.0.1:5000\" }\n    - { host: docker.io, plain: true }\n  mirrors:\n    - { at: registry.example.com/quay, of: quay.io }\n";
        assert_eq!(told(spec), Vec::<String>::new());
    }

    #[test]
    fn what_would_never_fit_and_what_is_there_twice_is_told() {
        let spec = "  hosts:\n    - { host: \"https://a.example.com\" }\n    - { host: b.example.com/x }\n    - { host: c.example.com, endpoint: \"127.0.0.1:5000\" }\n    - { host: c.example.com, endpoint: \"https://u:p@c.example.com\" }\n  mirrors:\n    - { at: \"\", of: quay.io }\n    - { at: quay.io/, of: quay.io }\n";
        assert_eq!(
            told(spec),
            [
                "the host `https://a.example.com` is an address",
                "the host `b.example.com/x` has a path, and a host has none",
                "`127.0.0.1:5000` is no address that can be asked",
                "the address holds credentials",
                "the mirror is empty",
                "`quay.io/` is a mirror of itself",
                "the host `c.example.com` is there twice",
            ]
        );
    }
}
