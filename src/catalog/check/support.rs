//! Rules about the support file: that nothing stands in it twice, that the days of a cycle follow each other,
//! and that each says where it is known from. Whether the public data set agrees is for the report.

use crate::diag::{Finding, Findings, Place, codes};
use crate::model::{SupportCycle, SupportEnd, SupportedProduct, Upstream};
use crate::yaml::Spanned;

use super::super::Catalog;
use super::product::upstream;
use super::{filled, twice};

pub(super) fn rules(catalog: &Catalog, findings: &mut Findings) {
    let Some(loaded) = &catalog.support else { return };
    let products = &loaded.spec.products;
    findings.extend(twice(products.iter().map(|one| (&one.name.value, &one.name.place)), "the product"));
    let named: Vec<(String, &Place)> =
        products.iter().flat_map(|one| &one.of).map(|of| (words(&of.value), &of.place)).collect();
    findings.extend(twice(named.iter().map(|(words, place)| (words, *place)), "what a product is:"));
    for product in products {
        findings.extend(product.of.iter().filter_map(upstream));
        findings.extend(says_something(product));
        let cycles = product.cycles.iter().map(|one| (&one.cycle.value, &one.cycle.place));
        findings.extend(twice(cycles, "the cycle"));
        for cycle in &product.cycles {
            findings.extend(filled(&cycle.cycle, "the cycle"));
            findings.extend(filled(&cycle.source, "the source"));
            findings.extend(in_order(cycle));
        }
    }
}

fn says_something(product: &SupportedProduct) -> Option<Finding> {
    (product.of.is_empty() && product.cycles.is_empty()).then(|| {
        Finding::error(&codes::EMPTY_VALUE, format!("nothing is said of `{}`", product.name.value))
            .at(&product.name.place)
            .label("`of` and `cycles` are empty")
    })
}

/// The days of a cycle: it is released, mended, supported, and supported for money, each no earlier than what
/// stands before it.
fn in_order(cycle: &SupportCycle) -> Findings {
    let day = |end: &Spanned<SupportEnd>| match end.value {
        SupportEnd::On(day) => Some((day, end.place.clone())),
        SupportEnd::Open | SupportEnd::Over => None,
    };
    let released = cycle.released.as_ref().map(|day| (day.value.0, day.place.clone()));
    let days = [
        ("released", released),
        ("supportEnds", cycle.support_ends.as_ref().and_then(day)),
        ("ends", day(&cycle.ends)),
        ("extendedEnds", cycle.extended_ends.as_ref().and_then(day)),
    ];
    let known: Vec<_> = days.iter().filter_map(|(name, day)| Some((name, day.as_ref()?))).collect();
    let wrong = known.windows(2).filter_map(|pair| match pair {
        [(before, (one, first)), (after, (other, place))] if other < one => Some(
            Finding::error(
                &codes::CONTRADICTION,
                format!("`{after}` of the cycle `{}` lies before its `{before}`", cycle.cycle.value),
            )
            .at(place)
            .related(first, format!("`{before}` is {one}")),
        ),
        _ => None,
    });
    wrong.collect()
}

fn words(upstream: &Upstream) -> String {
    match upstream {
        Upstream::Chart(chart) => format!("{} of {}", chart.name.value, chart.repository.value),
        Upstream::Image(image) => image.repository.value.clone(),
        Upstream::Tool(tool) => tool.repository.value.clone(),
        Upstream::Addon(addon) => addon.name.value.clone(),
        Upstream::Kubernetes(kubernetes) => format!("kubernetes {}", kubernetes.channel.value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::tree;
    use super::super::super::{check, load};

    /// What is found in a support file with these products.
    fn found(products: &str) -> Vec<String> {
        let file = format!(
            "apiVersion: tidegate.dev/v1\nkind: Support\nmetadata: {{ name: support }}\nspec:\n  products: {products}\n"
        );
        let (catalog, mut findings) = load(&tree(&[("pipelines/support.yaml", file.as_str())]));
        findings.extend(check(&catalog));
        findings.iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
    }

    #[test]
    fn a_support_file_is_read_with_all_that_it_says() {
        let whole = "[{ name: ingress-nginx, of: [image: { repository: registry.k8s.io/ingress-nginx/controller }, \
                     chart: { repository: https://charts.example.com, name: ingress-nginx }, \
                     tool: { repository: github:kubernetes/ingress-nginx }, kubernetes: { channel: eks }], \
                     cycles: [{ cycle: '1.15', codename: last, released: 2026-01-01, supportEnds: 2026-03-31, \
                     ends: 2026-03-31, extendedEnds: open, note: retired, source: https://kubernetes.io/blog }, \
                     { cycle: '1.14', ends: over, source: the same }] }]";
        assert_eq!(found(whole), Vec::<String>::new());
    }

    #[test]
    fn what_it_says_wrongly_is_told() {
        let cycle = |rest: &str| format!("[{{ name: a, cycles: [{{ cycle: '1', source: s, {rest} }}] }}]");
        for (wrong, told) in [
            (cycle("ends: 2026-01-01, supportEnds: 2026-02-01"), "`ends` of the cycle `1` lies before its `supportEnds`"),
            (cycle("ends: 2026-01-01, released: 2026-02-01"), "lies before its `released`"),
            (cycle("ends: 2026-01-01, extendedEnds: 2025-02-01"), "`extendedEnds` of the cycle `1` lies before its `ends`"),
            (cycle("ends: soon"), "`soon` is no end of support"),
            (cycle("ends: 2026-01-01, released: open"), "`open` is no day"),
            (cycle("note: x"), "`ends`"),
            (cycle("ends: over, until: x"), "`until`"),
            ("[{ name: a, cycles: [{ cycle: '1', ends: over, source: '' }] }]".to_owned(), "the source is empty"),
            ("[{ name: a }]".to_owned(), "nothing is said of `a`"),
            ("[{ name: A, cycles: [{ cycle: '1', ends: over, source: s }] }]".to_owned(), "`A` is no name of an upstream product"),
            ("[{ name: a, of: [image: { repository: 'redis:8' }] }]".to_owned(), "`redis:8` is not a repository"),
            ("[{ name: a, of: [kubernetes: { channel: eks }, kubernetes: { channel: eks }] }]".to_owned(), "`kubernetes eks` is there twice"),
            ("[{ name: a, cycles: [{ cycle: '1', ends: over, source: s }, { cycle: '1', ends: open, source: s }] }]".to_owned(), "the cycle `1` is there twice"),
            ("[{ name: a, of: [kubernetes: { channel: eks }] }, { name: a, of: [kubernetes: { channel: aks }] }]".to_owned(), "the product `a` is there twice"),
        ] {
            let found = found(&wrong).join("\n");
            assert!(found.contains(told), "{wrong}: {found}");
        }
    }
}
