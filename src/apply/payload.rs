//! What is sent for a rendered object: the object as written, without what only a server may say,
//! with its namespace, with the product's label, and with a Secret's `stringData` turned into `data`
//! (server-side apply would own the one and never see changes of the other).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::digest;
use crate::model::ProductName;

use super::identity::ObjectId;

/// The label that names the product of an object. It finds objects; it proves nothing.
pub const PRODUCT_LABEL: &str = "tidegate.dev/product";

/// What only a server says.
const SERVERS: &[&str] = &[
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The manager of a product's fields.
pub fn field_manager(product: &ProductName) -> String {
    format!("tidegate/{product}")
}

/// The product whose manager this is; `None` if it is somebody else's.
pub fn product_of_manager(manager: &str) -> Option<ProductName> {
    manager.strip_prefix("tidegate/")?.parse().ok()
}

/// What is sent for `object`, whose identity is `id`.
pub fn payload(object: &Value, id: &ObjectId, product: &ProductName) -> Value {
    let mut sent = object.clone();
    let Some(fields) = sent.as_object_mut() else { return sent };
    fields.remove("status");
    if id.is("", "Secret") {
        string_data_to_data(fields);
    }
    let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        SERVERS.iter().for_each(|key| drop(metadata.remove(*key)));
        match id.namespace.as_str() {
            "" => drop(metadata.remove("namespace")),
            namespace => drop(metadata.insert("namespace".to_owned(), namespace.into())),
        }
        let labels = metadata.entry("labels").or_insert(Value::Null);
        if labels.is_null() {
            *labels = Value::Object(Map::new());
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(PRODUCT_LABEL.to_owned(), product.as_str().into());
        }
    }
    sent
}

fn string_data_to_data(fields: &mut Map<String, Value>) {
    let Some(Value::Object(plain)) = fields.remove("stringData") else { return };
    let data = fields.entry("data").or_insert(Value::Null);
    if data.is_null() {
        *data = Value::Object(Map::new());
    }
    if let Some(data) = data.as_object_mut() {
        for (key, value) in plain {
            // Anything but text stays as it is: the server refuses it and names the field.
            let value = value.as_str().map_or(value.clone(), |text| STANDARD.encode(text).into());
            data.insert(key, value);
        }
    }
}

/// A short keyed hash of what is sent: keyed, since a Secret's content is part of it.
pub fn sent_hash(payload: &Value, key: &[u8]) -> String {
    let bytes = digest::canonical_json(payload).unwrap_or_else(|_| payload.to_string().into_bytes());
    let mut hex = digest::hmac(key, &bytes).hex();
    hex.truncate(24);
    hex
}

/// The values of an object that must never be shown: those of a Secret, in plain and in base64.
pub fn secret_values(payload: &Value, id: &ObjectId) -> Vec<String> {
    if !id.is("", "Secret") {
        return Vec::new();
    }
    let data = payload.get("data").and_then(Value::as_object);
    let encoded = data.into_iter().flat_map(|d| d.values()).filter_map(Value::as_str);
    encoded
        .flat_map(|text| {
            let plain = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            [Some(text.to_owned()), plain]
        })
        .flatten()
        .filter(|text| !text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn sent(object: &Value, namespaced: bool) -> Value {
        let id = ObjectId::of(object, namespaced, Some("shop")).unwrap();
        payload(object, &id, &"app".parse().unwrap())
    }

    #[test]
    fn string_data_becomes_data_and_wins_over_it() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
            "data": {"p": "b2xk", "q": "cQ=="}, "stringData": {"p": "new"}});
        let sent = sent(&secret, true);
        assert_eq!(sent["data"], json!({"p": "bmV3", "q": "cQ=="}));
        assert!(sent.get("stringData").is_none());
    }

    #[test]
    fn what_only_a_server_says_is_left_out() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "creationTimestamp": null, "resourceVersion": "7", "uid": "u"},
            "status": {}});
        let sent = sent(&object, true);
        assert_eq!(
            sent["metadata"],
            json!({"name": "a", "namespace": "shop", "labels": {"tidegate.dev/product": "app"}})
        );
        assert!(sent.get("status").is_none());
    }

    #[test]
    fn the_same_object_hashes_alike_in_any_order_of_fields_and_otherwise_with_another_key() {
        let one = json!({"a": 1, "b": 2});
        let two = json!({"b": 2, "a": 1});
        assert_eq!(sent_hash(&one, b"k"), sent_hash(&two, b"k"));
        assert_ne!(sent_hash(&one, b"k"), sent_hash(&one, b"l"));
    }

    #[test]
    fn the_values_of_a_secret_are_known_in_both_spellings() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
            "stringData": {"p": "canary"}});
        let id = ObjectId::of(&secret, true, None).unwrap();
        let sent = payload(&secret, &id, &"app".parse().unwrap());
        assert_eq!(secret_values(&sent, &id), ["Y2FuYXJ5", "canary"]);
    }
}
