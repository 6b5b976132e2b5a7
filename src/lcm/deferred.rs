//! "Not now": which rows somebody has put off until a day, and whether that still holds. It never hides what
//! can't wait; what that is, the report knows.

use super::declared::Item;
use super::policy::Policy;
use super::row::{Row, Status};
use super::version::by_age;
use crate::model::{Deferral, DeferralFile, DeferralId};

/// Whether a deferral still keeps something from being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// It does.
    Holds,
    /// Its day has passed.
    Ended,
    /// There is something newer than what it is about.
    Outrun,
}

/// The deferrals of a platform, as a report tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deferrals {
    /// How many hold.
    pub holding: usize,
    /// Those whose day has passed.
    pub ended: Vec<DeferralId>,
    /// Those about nothing that any product has.
    pub idle: Vec<DeferralId>,
}

/// Says of rows who has put them off. All rows of the products that deferrals name must be there.
pub fn mark<'f>(
    rows: &mut [Row],
    files: impl IntoIterator<Item = &'f DeferralFile>,
    policy: &dyn Fn(&str, &Item) -> Policy,
    now: jiff::Timestamp,
) -> Deferrals {
    let mut told = Deferrals::default();
    // What begins later is nothing yet.
    for file in files.into_iter().filter(|file| file.spec.has_begun(now)) {
        let (id, deferral) = (&file.metadata.name.value, &file.spec);
        match deferral.holds(now) {
            true => told.holding += 1,
            false => told.ended.push(id.clone()),
        }
        let mut is_idle = true;
        for row in rows.iter_mut().filter(|row| is_about(deferral, row)) {
            is_idle = false;
            let hold = hold(deferral, row, &policy(&row.product, &row.item), now);
            row.statuses.push(Status::Deferred {
                hold,
                until: deferral.until.value.to_string(),
                up_to: deferral.up_to.as_ref().map(|version| version.value.clone()),
                owner: deferral.owner.value.clone(),
                reason: deferral.reason.value.clone(),
            });
            row.statuses.sort();
        }
        if is_idle {
            told.idle.push(id.clone());
        }
    }
    told
}

fn is_about(deferral: &Deferral, row: &Row) -> bool {
    let Deferral { product, image, chart, tool, addon, .. } = deferral;
    let named = match &row.item {
        Item::Image(repository) => image.as_ref().map(|image| image.value == *repository),
        Item::Chart { name, .. } => chart.as_ref().map(|chart| chart.value == *name),
        Item::Tool(project) => tool.as_ref().map(|tool| tool.value == project.to_string()),
        Item::Addon { .. } => addon.as_ref().map(|addon| addon.value == row.item.to_string()),
        Item::Kubernetes(_) => None,
    };
    let whole = image.is_none() && chart.is_none() && tool.is_none() && addon.is_none();
    product.value.as_str() == row.product && named.unwrap_or(whole)
}

/// Whether a version can be compared with others of its kind: a deferral up to another one holds nothing.
pub fn is_comparable(version: &str, policy: &Policy) -> bool {
    policy.text(version).is_some_and(|text| policy.scheme.read(&text).is_some())
}

fn hold(deferral: &Deferral, row: &Row, policy: &Policy, now: jiff::Timestamp) -> Hold {
    if !deferral.holds(now) {
        return Hold::Ended;
    }
    let (Some(highest), Some(newest)) = (&deferral.up_to, &row.newest) else { return Hold::Holds };
    if highest.value == *newest {
        return Hold::Holds;
    }
    let texts = (policy.text(&highest.value), policy.text(newest));
    let (Some(highest), Some(newest)) = texts else { return Hold::Outrun };
    // What can't be compared is not kept from anybody.
    match (policy.scheme.read(&highest), policy.scheme.read(&newest)) {
        (Some(highest), Some(newest)) if by_age(&newest, &highest).is_le() => Hold::Holds,
        _ => Hold::Outrun,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;
    use crate::lcm::row::{Answers, InUse, rows};
    use crate::lcm::upstream::Answer;
    use crate::lcm::version::Scheme;

    const PRODUCT: &str = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: shop }\nspec:\n  version: 1.0.0\n  owner: shop\n  upstream:\n    - image: { repository: quay.io/a/shop, version: v1.0.0 }\n    - tool: { repository: github:a/b, version: v1.0.0 }\n";

    /// What a deferral with this spec says of the two things of a product, and what is told of it.
    fn told(spec: &str) -> (Vec<Option<Hold>>, Deferrals) {
        let file = format!(
            "apiVersion: tidegate.dev/v1\nkind: Deferral\nmetadata: {{ name: DEFER-1 }}\nspec: {{ owner: shop, reason: r, {spec} }}\n"
        );
        let files =
            [("products/shop/product.yaml", PRODUCT), ("pipelines/deferrals/DEFER-1.yaml", file.as_str())];
        let catalog = catalog(&files);
        let declared = crate::lcm::declared::of(&catalog);
        let tags = std::sync::Arc::new(["v1.0.0", "v1.2.0"].into_iter().collect());
        let answers: Answers = declared
            .iter()
            .map(|one| (one.item.clone(), Ok(Answer::of(std::sync::Arc::clone(&tags)))))
            .collect();
        let policy = |_: &str, _: &Item| Policy::of(Scheme::Auto);
        let mut rows = rows(&InUse { declared, ..InUse::default() }, &answers, &policy);
        let files = catalog.deferrals.values().map(|loaded| &loaded.file);
        let now = "2026-11-22T20:00:00Z".parse().expect("a moment");
        let told = mark(&mut rows, files, &policy, now);
        let hold = |row: &Row| {
            row.statuses.iter().find_map(|status| match status {
                Status::Deferred { hold, .. } => Some(*hold),
                _ => None,
            })
        };
        (rows.iter().map(hold).collect(), told)
    }

    #[test]
    fn it_is_about_one_thing_or_about_all_of_a_product() {
        let (held, told_of) = told("product: shop, image: quay.io/a/shop, until: 2026-12-01");
        assert_eq!(held, [Some(Hold::Holds), None]);
        assert_eq!(told_of, Deferrals { holding: 1, ..Deferrals::default() });
        assert_eq!(told("product: shop, until: 2026-12-01").0, [Some(Hold::Holds); 2]);
        assert_eq!(told("product: shop, tool: 'github:a/b', until: 2026-12-01").0, [None, Some(Hold::Holds)]);
    }

    #[test]
    fn it_ends_and_what_is_newer_than_it_knows_counts() {
        let held = |spec: &str| told(&format!("product: shop, image: quay.io/a/shop, {spec}")).0[0];
        assert_eq!(held("until: 2026-11-21"), Some(Hold::Ended));
        assert_eq!(held("upTo: v1.1.9, until: 2026-12-01"), Some(Hold::Outrun));
        assert_eq!(held("upTo: v1.2.0, until: 2026-12-01"), Some(Hold::Holds));
        assert_eq!(held("upTo: v2.0.0, until: 2026-12-01"), Some(Hold::Holds));
        assert_eq!(held("upTo: soon, until: 2026-12-01"), Some(Hold::Outrun));
    }

    #[test]
    fn one_that_has_ended_or_is_about_nothing_is_told() {
        let id: Vec<DeferralId> = vec!["DEFER-1".parse().expect("an id")];
        let (_, ended) = told("product: shop, until: 2026-11-21");
        assert_eq!(ended, Deferrals { ended: id.clone(), ..Deferrals::default() });
        let (held, idle) = told("product: shop, chart: shop, until: 2026-12-01");
        assert_eq!(
            (held, idle),
            (vec![None, None], Deferrals { holding: 1, idle: id, ..Deferrals::default() })
        );
    }
}
