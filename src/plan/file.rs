//! The plan as a file: JSON with a format number and a seal over the whole plan. Reading proves
//! that it says what was planned; a plan that was edited by hand is refused, since approvals would
//! bind to digests that no longer fit.

use super::digest::{self, ClusterInputs, ProductInputs};
use super::{FORMAT, Plan};
use crate::diag::{Finding, Findings, codes};
use crate::digest::{CanonicalError, Digest};

/// The word in a plan file that says what it is.
const KIND: &str = "Plan";

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    api_version: &'static str,
    kind: &'static str,
    format: u32,
    seal: Digest,
    plan: &'a Plan,
}

#[derive(serde::Deserialize)]
struct Head {
    kind: String,
    format: u32,
}

#[derive(serde::Deserialize)]
struct Read {
    seal: Digest,
    plan: Plan,
}

/// The bytes of a plan file.
///
/// # Errors
/// Never in practice: a plan has a form in JSON.
pub fn write(plan: &Plan) -> Result<Vec<u8>, Findings> {
    let seal = seal(plan)?;
    let mut bytes = serde_json::to_vec(&Written {
        api_version: crate::model::API_VERSION,
        kind: KIND,
        format: FORMAT,
        seal,
        plan,
    })
    .map_err(|error| unreadable(&error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a plan file and verifies every digest in it.
///
/// # Errors
/// No plan at all, a higher format number, or a plan that is not what was planned.
pub fn read(bytes: &[u8]) -> Result<Plan, Findings> {
    // The head first: a later format may have a plan that this version can't read.
    let head: Head = serde_json::from_slice(bytes).map_err(|error| {
        let begins = bytes.trim_ascii_start().first() == Some(&b'{');
        unreadable(&if begins {
            error.to_string()
        } else {
            "it was not written by `tidegate plan`".to_owned()
        })
    })?;
    if head.kind != KIND {
        return Err(unreadable(&format!("its kind is `{}`", head.kind)));
    }
    if head.format > FORMAT {
        return Err(Finding::error(
            &codes::PLAN_FORMAT,
            format!("the plan has format {}, this version of tidegate reads up to {FORMAT}", head.format),
        )
        .hint("use the version of tidegate that made the plan, or plan again")
        .into());
    }
    let Read { seal: written, plan } =
        serde_json::from_slice(bytes).map_err(|error| unreadable(&error.to_string()))?;
    verify(&plan)?;
    if seal(&plan)? != written {
        return Err(tampered("its content does not fit its seal"));
    }
    Ok(plan)
}

/// Proves that the digests of a plan are those of what it holds: inputs, values, waves, plan.
///
/// # Errors
/// The first digest that does not fit.
pub fn verify(plan: &Plan) -> Result<(), Findings> {
    for (key, values) in &plan.values {
        if crate::digest::of(values).map_err(uncanonical)? != *key {
            return Err(tampered(&format!("the values {} were changed", key.short())));
        }
    }
    for (key, product) in &plan.products {
        if product.digest != *key {
            return Err(tampered(&format!("product `{}` stands under another digest", product.name)));
        }
    }
    for (_, _, cluster) in plan.clusters() {
        let half = ClusterInputs {
            name: cluster.name.as_str(),
            labels: &cluster.labels,
            provider: cluster.provider.as_deref(),
            kubernetes: cluster.kubernetes,
        }
        .digest()
        .map_err(uncanonical)?;
        for target in &cluster.targets {
            let known = plan.products.get(&target.digest).zip(plan.values.get(&target.values));
            let Some((product, _)) = known else {
                return Err(tampered(&format!("`{}` of `{}` is incomplete", target.product, cluster.name)));
            };
            let renderers = product.renderers(&plan.renderers);
            let own = ProductInputs { product: target.digest, values: target.values, renderers }
                .digest()
                .map_err(uncanonical)?;
            if digest::inputs(&half, &own) != target.inputs {
                return Err(tampered(&format!("`{}` of `{}` was changed", target.product, cluster.name)));
            }
        }
    }
    for wave in &plan.waves {
        let digest = digest::wave(plan.release.digest, plan.release.lane, wave, &plan.products);
        if digest.map_err(uncanonical)? != wave.digest {
            return Err(tampered(&format!("wave `{}` was changed", wave.name)));
        }
    }
    let digest = digest::plan(plan.waves.iter().map(|wave| &wave.digest)).map_err(uncanonical)?;
    if digest == plan.digest { Ok(()) } else { Err(tampered("its waves were changed")) }
}

/// Over all that a plan holds, also what no wave digest covers (commits, limits, how clusters are
/// reached). Not canonical: what is read is written again by the same code, in the same order.
fn seal(plan: &Plan) -> Result<Digest, Findings> {
    let bytes = serde_json::to_vec(plan).map_err(|error| unreadable(&error.to_string()))?;
    Ok(crate::digest::bytes(&bytes))
}

fn unreadable(why: &str) -> Findings {
    Finding::error(&codes::PLAN_UNREADABLE, format!("this is no plan: {why}"))
        .next("tidegate plan RELEASE --out FILE")
        .into()
}

fn tampered(what: &str) -> Findings {
    Finding::error(&codes::PLAN_TAMPERED, format!("the plan is not what was planned: {what}"))
        .next("tidegate plan RELEASE --out FILE")
        .into()
}

fn uncanonical(error: CanonicalError) -> Findings {
    unreadable(&error.to_string())
}
