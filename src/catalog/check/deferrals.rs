//! Rules about deferrals: that they say of which product, and of which one thing of it, if not of all, who
//! answers for it and why. Whether one has ended depends on the time, and whether it is about anything on what
//! products declare: both are told in the report.

use crate::diag::{Finding, Findings, codes};

use super::super::Catalog;
use super::super::release::is_reserved;
use super::{filled, known_product, over_before};

pub(super) fn rules(catalog: &Catalog, findings: &mut Findings) {
    for (id, loaded) in &catalog.deferrals {
        let deferral = &loaded.spec;
        findings.extend(filled(&deferral.owner, "the owner"));
        findings.extend(filled(&deferral.reason, "the reason"));
        findings.extend(over_before(deferral.created.as_ref(), &deferral.until));
        if !is_reserved(deferral.product.as_str()) {
            findings.extend(known_product(catalog, &deferral.product));
        }
        for (text, what) in [
            (&deferral.chart, "the name of the chart"),
            (&deferral.tool, "the name of the tool"),
            (&deferral.addon, "the name of the add-on"),
            (&deferral.up_to, "the highest version"),
        ] {
            findings.extend(text.as_ref().and_then(|text| filled(text, what)));
        }
        let places = [
            deferral.image.as_ref().map(|one| &one.place),
            deferral.chart.as_ref().map(|one| &one.place),
            deferral.tool.as_ref().map(|one| &one.place),
            deferral.addon.as_ref().map(|one| &one.place),
        ];
        let mut places = places.into_iter().flatten();
        if let (Some(first), Some(second)) = (places.next(), places.next()) {
            let message = format!("the deferral `{id}` is about two things");
            findings.push(
                Finding::error(&codes::CONTRADICTION, message)
                    .at(second)
                    .related(first, "the other one")
                    .hint("write one file for each, or leave all out: then it is about the whole product"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::catalog;
    use super::*;

    fn told(spec: &str) -> Vec<String> {
        let product = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: shop }\nspec:\n  version: 1.0.0\n  owner: shop\n";
        let file = format!(
            "apiVersion: tidegate.dev/v1\nkind: Deferral\nmetadata: {{ name: DEFER-1 }}\nspec: {spec}\n"
        );
        let files =
            [("products/shop/product.yaml", product), ("pipelines/deferrals/DEFER-1.yaml", file.as_str())];
        let mut findings = Findings::new();
        rules(&catalog(&files), &mut findings);
        findings.iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn a_deferral_of_one_thing_or_of_a_whole_product_is_fine() {
        for what in [
            "image: quay.io/a/shop, upTo: v2.0.0, ",
            "chart: shop, ",
            "tool: 'github:a/b', ",
            "addon: eks/vpc-cni, ",
            "",
        ] {
            let spec =
                format!("{{ product: shop, {what}owner: shop, reason: after the fair, until: 2026-12-15 }}");
            assert_eq!(told(&spec), Vec::<String>::new());
        }
        let spec = "{ product: kubernetes, owner: platform, reason: r, until: 2026-12-15 }";
        assert_eq!(told(spec), Vec::<String>::new());
    }

    #[test]
    fn what_it_lacks_and_what_contradicts_itself_is_told() {
        let spec = "{ product: shopp, image: quay.io/a/shop, chart: shop, upTo: '', owner: ' ', reason: r, until: 2026-12-15 }";
        assert_eq!(
            told(spec),
            [
                "the owner is empty",
                "there is no product `shopp`",
                "the highest version is empty",
                "the deferral `DEFER-1` is about two things",
            ]
        );
    }
}
