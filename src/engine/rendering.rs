//! From a target to its objects: each deploy step rendered by what renders it, for exactly one
//! cluster. Scripts render nothing.

use std::sync::Arc;

use crate::apply::{ProductSet, Rendered};
use crate::catalog::product::Content;
use crate::diag::{Finding, Findings, codes};
use crate::model::{DeployStep, HelmStep, JobTest};
use crate::plan::{PlannedCluster, Target};
use crate::port::{Fault, HelmRequest, Renderer, Secret};
use crate::render::helm::{self, Chart};
use crate::render::values::Resolved;
use crate::render::{Context, Facts, FixedImages, Mask, RenderedObject, check, manifests, scan};
use crate::version::KubeVersion;
use crate::yaml::Spanned;

/// What one product is rendered for.
pub struct For<'a> {
    /// The cluster.
    pub cluster: &'a PlannedCluster,
    /// The target.
    pub target: &'a Target,
    /// Its content.
    pub content: &'a Content,
    /// Its values, secrets in them or masked.
    pub values: &'a Resolved,
    /// What the products of the cluster's desired set provide.
    pub provides: &'a [String],
}

impl For<'_> {
    fn folder(&self) -> String {
        format!("products/{}", self.target.product)
    }

    fn context(&self) -> Context {
        let facts = Facts {
            cluster: &self.cluster.name,
            labels: &self.cluster.labels,
            provider: self.cluster.provider.as_deref(),
            kubernetes: self.cluster.kubernetes,
            product: &self.target.product,
            version: &self.target.version,
        };
        Context::new(&facts, self.values)
    }

    fn wrong(&self, findings: &Findings) -> Fault {
        Fault::permanent(format!(
            "{} {} can't be rendered: {}",
            self.target.product,
            self.target.version,
            findings.brief()
        ))
    }
}

/// Everything that one product puts into one cluster.
///
/// # Errors
/// When something can't be rendered, or two steps render one object.
pub async fn product(renderer: &dyn Renderer, what: &For<'_>) -> Result<ProductSet, Fault> {
    let context = what.context();
    let mut all = Vec::new();
    let mut objects = Vec::new();
    for (name, step) in what.content.file.spec.named_steps() {
        let found = match &step.value {
            DeployStep::Manifests(step) => manifests(
                &what.content.tree,
                &what.folder(),
                &step.path.value,
                step.namespace.as_ref().map(|n| n.value.as_str()),
                &context,
            )
            .map_err(|findings| what.wrong(&findings))?,
            DeployStep::Helm(step) => chart(renderer, what, step).await?,
            DeployStep::Run(_) => continue,
            later @ (DeployStep::ControlPlane(_) | DeployStep::NodePools(_) | DeployStep::Addon(_)) => {
                return Err(Fault::permanent(format!("a `{}` step has no behaviour yet", later.kind())));
            }
        };
        let fixed = what.values.images();
        objects.extend(found.iter().map(|object| rendered(name.clone(), object, fixed)));
        all.extend(found);
    }
    check(&all).into_result(()).map_err(|findings| what.wrong(&findings))?;
    Ok(ProductSet { product: what.target.product.clone(), objects })
}

/// The Job of a test.
///
/// # Errors
/// When it can't be rendered, or is not exactly one object.
pub fn job(what: &For<'_>, test: &JobTest) -> Result<Rendered, Fault> {
    let namespace = test.namespace.as_ref().map(|n| n.value.as_str());
    let found =
        manifests(&what.content.tree, &what.folder(), &test.manifest.value, namespace, &what.context())
            .map_err(|findings| what.wrong(&findings))?;
    match found.as_slice() {
        [only] => Ok(rendered(test.name.value.to_string(), only, what.values.images())),
        other => Err(Fault::permanent(format!(
            "{} holds {}, and a test is exactly one Job",
            test.manifest.value,
            crate::diag::count(other.len(), "object")
        ))),
    }
}

/// An object as it is applied: its images are those that the release fixed.
fn rendered(step: String, found: &RenderedObject, fixed: &FixedImages) -> Rendered {
    let mut object = found.object.clone();
    fixed.fix(&mut object);
    Rendered { step, object, origin: found.origin.clone(), namespace: found.namespace.clone() }
}

/// The values at a dotted path. A path that leads nowhere is a mistake: a chart without its values
/// would be deployed with its defaults, and nobody would know.
fn at(values: &serde_json::Value, path: &Spanned<String>) -> Result<serde_json::Value, Findings> {
    let found = path.value.split('.').try_fold(values, |at, key| at.get(key));
    let wrong = |why: String| {
        Finding::error(&codes::UNKNOWN_VALUE_KEY, why)
            .at(&path.place)
            .label("`valuesFrom` names the values of the chart")
    };
    match found {
        Some(found) if found.is_object() => Ok(found.clone()),
        Some(_) => Err(wrong(format!("the value `{}` is no mapping on this cluster", path.value)).into()),
        None => Err(wrong(format!("there is no value `{}` on this cluster", path.value)).into()),
    }
}

async fn chart(
    renderer: &dyn Renderer,
    what: &For<'_>,
    step: &HelmStep,
) -> Result<Vec<RenderedObject>, Fault> {
    let folder = what.folder();
    let path = step.folder();
    if matches!(path, "" | ".") {
        let finding = Finding::error(&codes::CHART_BROKEN, "a chart lies in a folder of its own");
        return Err(what.wrong(&finding.at(&step.chart.place).into()));
    }
    let chart = Chart { tree: &what.content.tree, folder: &folder, path, namespace: &step.namespace.value };
    scan::chart(&what.content.tree, &folder, path)
        .into_result(())
        .map_err(|findings| what.wrong(&findings))?;
    let all = what.values.expose();
    let values = match &step.values_from {
        None => all.clone(),
        Some(path) => at(all, path).map_err(|findings| what.wrong(&findings))?,
    };
    let request = HelmRequest {
        chart: what.content.tree.subtree(path),
        release: step.release.as_ref().map_or_else(|| what.target.product.to_string(), |r| r.value.clone()),
        namespace: step.namespace.value.clone(),
        values,
        kubernetes: KubeVersion::from(what.cluster.kubernetes),
        api_versions: what.provides.to_vec(),
        timeout: step.timeout.as_ref().map_or(crate::model::DEFAULT_TIMEOUT, |t| t.value),
        mask: what.values.secrets().iter().map(|secret| Secret::new(Arc::clone(secret))).collect(),
    };
    let output = renderer.render(request).await?;
    let mask = Mask::new(what.values.secrets().iter().map(Arc::as_ref));
    helm::objects(&output.manifests, &chart, &mask).map_err(|findings| what.wrong(&findings))
}

#[cfg(test)]
#[path = "rendering_tests.rs"]
mod tests;
