//! Whose releases say what changed in a thing: a tool is a project itself, an image or a chart may name one,
//! and where a product has one tool alone, its images and charts are of that.

use std::collections::BTreeMap;

use super::declared::{Item, mirrors, of_upstream};
use super::upstream::Project;
use crate::catalog::Catalog;
use crate::diag::{Finding, Findings, codes};
use crate::model::{Mirrors, Upstream};

/// The projects of a platform's things.
#[derive(Debug, Clone, Default)]
pub struct Projects {
    named: BTreeMap<(String, Item), Project>,
    /// Products with one tool alone.
    only: BTreeMap<String, Project>,
    /// The project of an image is that of its copies, too.
    mirrors: Mirrors,
}

impl Projects {
    /// The projects that products name, with what is wrong in their names.
    pub fn of(catalog: &Catalog) -> (Self, Findings) {
        let (mut all, mut findings) = (Self::default(), Findings::new());
        all.mirrors = mirrors(catalog);
        for (name, product) in &catalog.products {
            let mut tools: Vec<Project> = Vec::new();
            for upstream in &product.file.spec.upstream {
                let project = match &upstream.value {
                    Upstream::Chart(chart) => chart.project.as_ref(),
                    Upstream::Image(image) => image.project.as_ref(),
                    Upstream::Tool(tool) => {
                        tools.extend(tool.repository.value.parse().ok());
                        None
                    }
                    Upstream::Addon(_) | Upstream::Kubernetes(_) => None,
                };
                let (Some(project), (Some(item), _)) = (project, of_upstream(&upstream.value)) else {
                    continue;
                };
                match project.value.parse() {
                    Ok(read) => _ = all.named.insert((name.to_string(), item), read),
                    Err(error) => findings
                        .push(Finding::error(&codes::INVALID_VALUE, format!("{error}")).at(&project.place)),
                }
            }
            if let [only] = tools.as_slice() {
                all.only.insert(name.to_string(), only.clone());
            }
        }
        (all, findings)
    }

    /// The project of a thing, if it is known.
    pub fn of_item<'a>(&'a self, product: &str, item: &'a Item) -> Option<&'a Project> {
        if let Item::Tool(project) = item {
            return Some(project);
        }
        let mut names = std::iter::once(item.clone()).chain(item.origin(&self.mirrors));
        let named = names.find_map(|name| self.named.get(&(product.to_owned(), name)));
        named.or_else(|| {
            self.only.get(product).filter(|_| !matches!(item, Item::Kubernetes(_) | Item::Addon { .. }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;

    #[test]
    fn a_project_is_named_or_the_only_tool_and_what_is_none_is_told() {
        let product = |upstream: &str| {
            format!(
                "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: certs }}\nspec:\n  version: 1.0.0\n  owner: security\n  upstream:\n{upstream}  deploy: []\n"
            )
        };
        let image = Item::Image("quay.io/a/b".parse().expect("a repository"));
        let named = "    - image: { repository: quay.io/a/b, project: github:a/b }\n    - tool: { repository: github:c/d }\n";
        let (projects, findings) =
            Projects::of(&catalog(&[("products/certs/product.yaml", &product(named))]));
        assert!(findings.is_empty(), "{findings:?}");
        let of = |item: &Item| projects.of_item("certs", item).map(ToString::to_string);
        assert_eq!(of(&image).as_deref(), Some("github:a/b"));
        assert_eq!(of(&Item::Image("quay.io/x/y".parse().expect("one"))).as_deref(), Some("github:c/d"));
        assert_eq!(of(&Item::Kubernetes("stable".to_owned())), None);
        let wrong = "    - image: { repository: quay.io/a/b, project: a/b }\n";
        let (_, findings) = Projects::of(&catalog(&[("products/certs/product.yaml", &product(wrong))]));
        assert_eq!(findings.iter().count(), 1);
    }
}
