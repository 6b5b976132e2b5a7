//! Rules about sources of scans: that each can be asked, holds no credentials, and is there once.

use crate::diag::{Finding, Findings, codes};
use crate::model::{ScanSource, SecretRef};
use crate::yaml::Spanned;

use super::sources::{address, named};
use super::{filled, twice};

pub(super) fn rules(scans: &[Spanned<ScanSource>]) -> Findings {
    let mut findings = Findings::new();
    for scan in scans {
        findings.extend(scan.value.address().and_then(address));
        findings.extend(scan.value.secret().and_then(|secret| reference(secret, &scan.value)));
        match &scan.value {
            ScanSource::Files(files) => findings.extend(folder(&files.folder)),
            ScanSource::Harbor(harbor) => {
                findings.extend(harbor.registry.as_ref().and_then(|host| named(host, "the registry", false)));
                findings.extend(harbor.user.as_ref().and_then(|user| filled(user, "the user")));
                if let (None, Some(secret)) = (&harbor.user, &harbor.password) {
                    let finding = Finding::error(&codes::INVALID_VALUE, "a password is that of a `user`");
                    findings.push(finding.at(&secret.place).hint("name the user, or the robot account"));
                }
            }
            _ => {}
        }
    }
    let names: Vec<(String, _)> = scans.iter().map(|scan| (told(&scan.value), &scan.place)).collect();
    findings.extend(twice(names.iter().map(|(name, place)| (name, *place)), "the source of scans"));
    findings
}

/// What tells a source from the others.
fn told(scan: &ScanSource) -> String {
    let of = match scan {
        ScanSource::Files(files) => Some(files.folder.value.trim_end_matches('/')),
        // There is one catalogue, wherever it is asked.
        ScanSource::Kev(_) => None,
        other => other.address().map(|address| address.value.trim_end_matches('/')),
    };
    of.map_or_else(|| scan.word().to_owned(), |of| format!("{} {of}", scan.word()))
}

/// That a folder lies in the repository.
fn folder(folder: &Spanned<String>) -> Option<Finding> {
    if let Some(empty) = filled(folder, "the folder") {
        return Some(empty);
    }
    let leaves = folder.value.starts_with('/') || folder.value.split('/').any(|part| part == "..");
    let inside = ["products", "releases", "pipelines"]
        .into_iter()
        .find(|own| folder.value.trim_start_matches("./").split('/').next() == Some(own));
    let wrong = |why: String, hint: &str| {
        let message = format!("`{}` {why}", folder.value);
        Some(Finding::error(&codes::INVALID_VALUE, message).at(&folder.place).hint(hint))
    };
    match (leaves, inside) {
        (true, _) => wrong("leaves the repository".to_owned(), "name a folder of it, such as `scans`"),
        (false, Some(own)) => wrong(
            format!("lies in `{own}`, whose files every command reads"),
            "keep reports in a folder of their own, such as `scans`",
        ),
        (false, None) => None,
    }
}

/// That what lets this program in is a reference.
fn reference(secret: &crate::yaml::Node, scan: &ScanSource) -> Option<Finding> {
    match SecretRef::of(secret) {
        Some(Ok(_)) => None,
        Some(Err(finding)) => Some(*finding),
        None => {
            let (what, variable) = match scan {
                ScanSource::Harbor(_) => ("password", "HARBOR_PASSWORD"),
                ScanSource::Xray(_) => ("token", "XRAY_TOKEN"),
                _ => ("token", "TRIVY_TOKEN"),
            };
            let message = format!("a {what} is written as a reference");
            let finding = Finding::error(&codes::LITERAL_SECRET, message).at(&secret.place.masked());
            Some(finding.hint(format!("{what}: {{ secretRef: {{ env: {variable} }} }}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::catalog;
    use super::*;

    fn told(spec: &str) -> Vec<String> {
        let file = format!(
            "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: {{ name: sample }}\nspec:\n  scans:\n{spec}"
        );
        let catalog = catalog(&[("pipelines/sources.yaml", &file)]);
        let scans = &catalog.sources.as_ref().expect("the file is read").spec.scans;
        rules(scans).iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn every_source_that_can_be_asked_is_fine() {
        let spec = "    - files: { folder: scans }\n    - trivy: { address: \"https://trivy.example.com\", token: { secretRef: { env: T } } }\n    - xray: { address: \"https://example.jfrog.io/xray\" }\n    - harbor: { address: \"https://harbor.example.com\", registry: \"images.example.com:5000\", user: robot$a, password: { secretRef: { file: f } } }\n    - osv: {}\n    - attestations: {}\n    - kev: { address: \"https://copies.example.com/kev.json\" }\n";
        assert_eq!(told(spec), Vec::<String>::new());
    }

    #[test]
    fn what_can_not_be_asked_or_says_a_secret_is_told() {
        let spec = "    - files: { folder: ../scans }\n    - files: { folder: pipelines/scans }\n    - trivy: { address: trivy.example.com, token: abc }\n    - harbor: { address: \"https://harbor.example.com\", password: { secretRef: { env: P } } }\n    - xray: { address: \"https://u:p@x.example.com\", token: { secretRef: { vault: P } } }\n    - kev: {}\n    - kev: { address: \"https://copies.example.com/kev.json\" }\n";
        assert_eq!(
            told(spec),
            [
                "`../scans` leaves the repository",
                "`pipelines/scans` lies in `pipelines`, whose files every command reads",
                "`trivy.example.com` is no address that can be asked",
                "a token is written as a reference",
                "a password is that of a `user`",
                "the address holds credentials",
                "`vault` is no source of secrets",
                "the source of scans `kev` is there twice",
            ]
        );
    }
}
