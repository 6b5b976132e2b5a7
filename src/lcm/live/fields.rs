//! Which fields of custom resources name images: as `pipelines/sources.yaml` declares them. One that can't be
//! read is a finding at its place.

use serde_json::Value;

use crate::catalog::Catalog;
use crate::diag::{Finding, Findings, codes};
use crate::lcm::bump::Field;

/// The declared fields of a platform, by kind.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<OfKind>);

/// The declared fields of one kind.
#[derive(Debug, Clone)]
pub struct OfKind {
    /// The API group.
    pub group: String,
    /// The kind.
    pub kind: String,
    fields: Vec<Field>,
}

impl Fields {
    /// The fields that a catalog declares, with what is wrong in them.
    pub fn of(catalog: &Catalog) -> (Self, Findings) {
        let (mut all, mut findings) = (Vec::new(), Findings::new());
        for images in catalog.sources.iter().flat_map(|sources| &sources.file.spec.images) {
            let images = &images.value;
            let mut fields: Vec<Field> = Vec::new();
            for text in &images.fields {
                match text.value.parse() {
                    Ok(field) if !text.value.contains(':') => fields.push(field),
                    _ => findings.push(
                        Finding::error(&codes::INVALID_VALUE, format!("`{}` is no field", text.value))
                            .at(&text.place)
                            .label("expected KEY.KEY[].KEY, such as spec.image"),
                    ),
                }
            }
            all.push(OfKind { group: images.group.value.clone(), kind: images.kind.value.clone(), fields });
        }
        (Self(all), findings)
    }

    /// The kinds that are to be listed.
    pub fn kinds(&self) -> &[OfKind] {
        &self.0
    }
}

impl OfKind {
    /// The images that an object of this kind names: texts, and parts as charts write them.
    pub(super) fn images(&self, object: &Value) -> Vec<String> {
        self.fields.iter().flat_map(|field| field.values(object)).filter_map(reference).collect()
    }
}

/// `NAME:TAG`, or `{registry, repository, tag, digest}` put together.
fn reference(value: &Value) -> Option<String> {
    let text = |keys: &[&str]| {
        let found = keys.iter().filter_map(|key| value.get(key)?.as_str());
        found.map(str::to_owned).find(|text| !text.is_empty())
    };
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Object(_) => {
            let registry = text(&["registry"]).map(|text| text + "/").unwrap_or_default();
            let tag = text(&["tag", "version"]).map(|text| format!(":{text}")).unwrap_or_default();
            let digest = text(&["digest"]).map(|text| format!("@{text}")).unwrap_or_default();
            Some(format!("{registry}{}{tag}{digest}", text(&["repository", "image", "name"])?))
        }
        _ => None,
    }
}
