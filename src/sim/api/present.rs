//! The form in which a client gets an object: whole or its metadata alone, in the version it asked for.

use serde_json::{Value, json};

use super::json::metadata;
use super::media::Form;
use crate::sim::kinds::Resource;

/// An object as a single answer shows it.
pub(super) fn shown(resource: &Resource, form: Form, object: Value) -> Value {
    match form {
        Form::Whole => versioned(resource, object),
        Form::Metadata => partial(object),
    }
}

/// An object in the version of a resource: versions differ by their names alone here.
pub(super) fn versioned(resource: &Resource, mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("kind".to_owned(), (&*resource.kind).into());
        fields.insert("apiVersion".to_owned(), resource.api_version().into());
    }
    object
}

/// The metadata alone.
pub(super) fn partial(mut object: Value) -> Value {
    let metadata = metadata(&mut object).map(std::mem::take).unwrap_or_default();
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

/// An object as an item of a list: items of built-in lists don't say their kind.
pub(super) fn item(resource: &Resource, form: Form, object: Value) -> Value {
    let mut object = shown(resource, form, object);
    if form == Form::Whole
        && resource.defined.is_none()
        && let Some(fields) = object.as_object_mut()
    {
        fields.shift_remove("kind");
        fields.shift_remove("apiVersion");
    }
    object
}

/// A list.
pub(super) fn list(resource: &Resource, form: Form, list_metadata: Value, items: Vec<Value>) -> Value {
    let (kind, version) = match form {
        Form::Whole => (resource.list_kind.to_string(), resource.api_version()),
        Form::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
    };
    json!({"kind": kind, "apiVersion": version, "metadata": list_metadata, "items": items})
}
