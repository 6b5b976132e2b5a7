//! Rules about acceptances: that they say what they are about, who answers for it and why. Whether one has
//! ended depends on the time, whether it is about anything on what scanners find: both are told with them.

use crate::diag::{Finding, Findings, codes};

use super::super::Catalog;
use super::{filled, known_product, over_before, twice};
use crate::model::package_name;

pub(super) fn rules(catalog: &Catalog, findings: &mut Findings) {
    for (id, loaded) in &catalog.acceptances {
        let acceptance = &loaded.spec;
        findings.extend(filled(&acceptance.owner, "the owner"));
        findings.extend(filled(&acceptance.reason, "the reason"));
        if acceptance.vulnerabilities.is_empty() {
            findings.push(
                Finding::error(
                    &codes::EMPTY_VALUE,
                    format!("the acceptance `{id}` is about no vulnerability"),
                )
                .at(&loaded.metadata.name.place)
                .label("its `vulnerabilities` are empty"),
            );
        }
        for product in &acceptance.products {
            findings.extend(known_product(catalog, product));
        }
        findings.extend(over_before(acceptance.created.as_ref(), &acceptance.expires));
        for package in &acceptance.packages {
            findings.extend(filled(package, "the package"));
            if let Err(why) = package_name(&package.value) {
                let message = format!("`{}` is no package: {why}", package.value);
                findings.push(Finding::error(&codes::INVALID_VALUE, message).at(&package.place));
            }
        }
        let vulnerabilities = acceptance.vulnerabilities.iter().map(|one| (&one.value, &one.place));
        findings.extend(twice(vulnerabilities, "the vulnerability"));
        findings.extend(twice(acceptance.products.iter().map(|one| (&one.value, &one.place)), "the product"));
        findings
            .extend(twice(acceptance.images.iter().map(|one| (&one.value, &one.place)), "the repository"));
        findings.extend(twice(acceptance.packages.iter().map(|one| (&one.value, &one.place)), "the package"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{check, load};
    use crate::model::{File, Tree};

    /// What is found in an acceptance with this spec, in a repository with the product `shop`.
    fn found(spec: &str) -> Vec<String> {
        let product = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: shop }\nspec:\n  \
                       version: 1.0.0\n  owner: shop\n";
        let acceptance = format!(
            "apiVersion: tidegate.dev/v1\nkind: Acceptance\nmetadata: {{ name: RISK-1 }}\nspec: {spec}\n"
        );
        let mut tree = Tree::new();
        for (path, text) in [
            ("products/shop/product.yaml", product),
            ("pipelines/acceptances/RISK-1.yaml", acceptance.as_str()),
        ] {
            tree.insert(path, File { bytes: text.as_bytes().into(), executable: false });
        }
        let (catalog, mut findings) = load(&tree);
        findings.extend(check(&catalog));
        let in_file = |finding: &&crate::diag::Finding| {
            finding.place.as_ref().is_some_and(|place| place.to_string().contains("RISK-1"))
        };
        findings
            .iter()
            .filter(in_file)
            .map(|finding| format!("{} {}", finding.code.id, finding.message))
            .collect()
    }

    #[test]
    fn an_acceptance_is_read_with_all_that_it_says() {
        let whole = "{ vulnerabilities: [CVE-2026-1234, GHSA-2wrh-6pvc-2jm9], products: [shop], \
                     images: [quay.io/acme/shop], packages: [golang.org/x/net], owner: shop, reason: not reached, \
                     created: 2026-11-01, expires: 2026-12-15 }";
        assert_eq!(found(whole), Vec::<String>::new());
    }

    #[test]
    fn what_it_lacks_and_what_it_says_twice_is_told() {
        let findings = found(
            "{ vulnerabilities: [CVE-2026-1234, cve-2026-1234], products: [shopp], owner: '', reason: r, \
             expires: 2026-12-15 }",
        );
        let told = findings.join("\n");
        assert!(told.contains("the vulnerability `CVE-2026-1234` is there twice"), "{told}");
        assert!(told.contains("there is no product `shopp`"), "{told}");
        assert!(told.contains("the owner is empty"), "{told}");
    }

    #[test]
    fn an_end_is_needed_and_names_must_be_names() {
        let cases = [
            ("vulnerabilities: [CVE-2026-1234], owner: shop, reason: r", "`expires`"),
            (
                "vulnerabilities: [], owner: shop, reason: r, expires: 2026-12-15",
                "`RISK-1` is about no vulnerability",
            ),
            (
                "vulnerabilities: ['a b'], owner: shop, reason: r, expires: 2026-12-15",
                "`a b` names no vulnerability",
            ),
            (
                "vulnerabilities: [CVE-2026-1], images: ['quay.io/a/b:1'], owner: shop, reason: r, expires: 2026-12-15",
                "a repository has no tag",
            ),
            ("vulnerabilities: [CVE-2026-1], owner: shop, reason: r, expires: soon", "`soon` is no end"),
            (
                "vulnerabilities: [CVE-2026-1], owner: shop, reason: r, expires: 2026-12-15, until: x",
                "`until`",
            ),
        ];
        for (wrong, word) in cases {
            let told = found(&format!("{{ {wrong} }}")).join("\n");
            assert!(told.contains(word), "{wrong}: {told}");
        }
    }
}
