//! The JSON Schema (draft-07) of each kind of file, generated from the types, so that editors know
//! what the parser knows. Whether a file keeps to more than its shape is for `catalog`.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::scenario::ScenarioFile;
use super::{
    API_VERSION, AcceptanceFile, CalendarFile, DeferralFile, FleetFile, Kind, PinFile, PipelineFile,
    ProductFile, ReleaseFile, SourcesFile, SupportFile,
};

/// The draft-07 JSON Schema of a kind of file. `apiVersion` and `kind` are constants in it, so that
/// a file under the wrong schema is marked at its first line.
pub fn of(kind: Kind) -> Value {
    let mut schema = match kind {
        Kind::Product => generated::<ProductFile>(),
        Kind::Release => generated::<ReleaseFile>(),
        Kind::Fleet => generated::<FleetFile>(),
        Kind::Pipeline => generated::<PipelineFile>(),
        Kind::Pin => generated::<PinFile>(),
        Kind::Acceptance => generated::<AcceptanceFile>(),
        Kind::Deferral => generated::<DeferralFile>(),
        Kind::Calendar => generated::<CalendarFile>(),
        Kind::Sources => generated::<SourcesFile>(),
        Kind::Support => generated::<SupportFile>(),
        Kind::Scenario => generated::<ScenarioFile>(),
    };
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!(kind.as_str()));
        if let Some(fields) = root.get_mut("properties").and_then(Value::as_object_mut) {
            fields.insert("apiVersion".to_owned(), constant(API_VERSION, "The version of the format."));
            fields.insert("kind".to_owned(), constant(kind.as_str(), "The kind of file."));
        }
    }
    schema
}

fn constant(value: &str, description: &str) -> Value {
    json!({"type": "string", "const": value, "description": description})
}

fn generated<T: JsonSchema>() -> Value {
    SchemaSettings::draft07().for_deserialize().into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn accepts(kind: Kind, file: &Value) -> bool {
        jsonschema::draft7::new(&of(kind)).unwrap().is_valid(file)
    }

    #[test]
    fn every_kind_has_a_valid_draft_07_schema() {
        for kind in Kind::ALL {
            let schema = of(kind);
            assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "{kind}");
            jsonschema::draft7::meta::validate(&schema).unwrap();
            assert_eq!(schema["properties"]["kind"]["const"], kind.as_str());
            assert_eq!(schema["additionalProperties"], false, "{kind}");
        }
    }

    #[test]
    fn a_product_is_described_with_its_steps() {
        let product = json!({
            "apiVersion": "tidegate.dev/v1", "kind": "Product", "metadata": {"name": "agent"},
            "spec": {
                "version": "1.0.0", "owner": "team", "requires": {"base": "^1"},
                "deploy": [{"manifests": {"path": "manifests"}}],
                "values": {"anything": [1, {"at": "all"}]}
            }
        });
        assert!(accepts(Kind::Product, &product));
        for (path, wrong) in [
            ("/spec/version", json!(1)),
            ("/spec/deploy/0", json!({"manifest": {"path": "x"}})),
            ("/spec/deploy/0/manifests", json!({"path": "x", "prune": true})),
            ("/kind", json!("Fleet")),
        ] {
            let mut file = product.clone();
            *file.pointer_mut(path).unwrap() = wrong.clone();
            assert!(!accepts(Kind::Product, &file), "{wrong} at {path} was taken");
        }
    }

    #[test]
    fn a_pipeline_is_described_with_lanes_caps_and_gates() {
        let pipeline = json!({
            "apiVersion": "tidegate.dev/v1", "kind": "Pipeline", "metadata": {"name": "main"},
            "spec": {
                "lanes": {"hotfix": ["prod"]},
                "waves": [{
                    "name": "prod", "selector": {"env": ["prod", "dr"]}, "atOnce": "30%",
                    "soak": {"for": "24h"}, "gates": {"before": [{"approval": {"by": "leads"}}]}
                }]
            }
        });
        assert!(accepts(Kind::Pipeline, &pipeline));
        let mut wrong = pipeline;
        wrong["spec"]["waves"][0]["atOnce"] = json!("many");
        assert!(!accepts(Kind::Pipeline, &wrong));
    }
}
