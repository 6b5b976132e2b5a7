//! The records in a cluster: read from Secrets, written to them so that neither a crash between two
//! writes nor a writer that came too late can leave a mixture.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::apply::record::{self, Record, Unreadable};
use crate::diag::codes;
use crate::json::{At as _, text};
use crate::model::ProductName;

use super::lease::Held;
use super::wire::{Ask, JSON};
use super::{Cluster, Error, Kind, Outcome};

/// The namespace that tidegate keeps its own objects in.
pub(super) const NAMESPACE: &str = "tidegate-system";

/// Tells the Secrets of records from others: `head`, or `part` for what did not fit.
const RECORD_LABEL: &str = "tidegate.dev/record";

/// A record as it stands in the cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub record: Record,
    /// Of the head's Secret.
    pub rv: String,
    uid: String,
    /// The Secrets beside the head's.
    parts: Vec<String>,
}

pub(super) fn secrets() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/secrets")
}

fn secret(name: &str, role: &str, data: &[(&str, &[u8])]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, bytes)| ((*key).to_owned(), STANDARD.encode(bytes).into())).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "type": "tidegate.dev/record",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {RECORD_LABEL: role}}, "data": data})
}

fn bytes(secret: &Value, key: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.get("data")?.get(key)?.as_str()?).ok()
}

/// A conflict on a record means that somebody else writes this cluster: stop.
fn overtaken(product: &ProductName) -> Error {
    Error::new(Kind::Fenced, format!("the record of {product} was written by somebody else meanwhile"))
}

impl Cluster {
    /// Makes the namespace of tidegate if it is not there: the one write without a lease, since the
    /// lease lies in it.
    pub(super) async fn ensure_namespace(&self) -> Outcome<()> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}");
        let doing = "looking for namespace tidegate-system";
        if self.read(&path, JSON, doing).await?.is_some() {
            return Ok(());
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let ask = Ask::write(Method::POST, "/api/v1/namespaces", &namespace);
        let answer = self.ask(&ask, None, self.soon()).await?;
        match answer.code {
            409 => Ok(()),
            _ if answer.ok() => Ok(()),
            _ => Err(answer.refusal("making namespace tidegate-system")),
        }
    }

    /// Every record of the cluster.
    pub(super) async fn stored(&self) -> Outcome<BTreeMap<ProductName, Stored>> {
        let path = format!("{}?labelSelector={RECORD_LABEL}", secrets());
        let all = self.list(&path, JSON, "reading the records").await?;
        let parts: BTreeMap<String, Vec<u8>> = all
            .iter()
            .filter(|s| s.at("/metadata/labels").and_then(|l| l.get(RECORD_LABEL)) == Some(&"part".into()))
            .filter_map(|s| Some((text(s, "/metadata/name").to_owned(), bytes(s, "body")?)))
            .collect();
        let mut found = BTreeMap::new();
        for secret in &all {
            let name = text(secret, "/metadata/name");
            let product = name.strip_prefix("product.").and_then(|name| name.parse::<ProductName>().ok());
            let (Some(product), Some(head)) = (product, bytes(secret, "head")) else { continue };
            let stored = read_one(secret, &head, &parts).map_err(|e| {
                let code = match e {
                    Unreadable::Higher { .. } => codes::RECORD_TOO_NEW.id,
                    Unreadable::Damaged(_) => codes::RECORD_DAMAGED.id,
                };
                Error::new(Kind::Record, format!("{code}: the record of {product} can't be read: {e}"))
            })?;
            found.insert(product, stored);
        }
        Ok(found)
    }

    /// Writes a record where `old` stood: parts first, then the head with a precondition, then away
    /// with parts that nothing names any more.
    pub(super) async fn write_record(
        &self,
        held: &Held,
        product: &ProductName,
        record: &Record,
        old: Option<&Stored>,
    ) -> Outcome<Stored> {
        let doing = format!("writing the record of {product}");
        let written = record::encode(record, product, record::CHUNK)
            .map_err(|e| Error::new(Kind::Record, format!("{doing}: {e}")))?;
        for (name, chunk) in written.names.iter().zip(written.chunks.iter().skip(1)) {
            let part = secret(name, "part", &[("body", chunk)]);
            let answer =
                self.ask(&Ask::write(Method::POST, secrets(), &part), Some(held), self.soon()).await?;
            // The name holds a hash of the content: what is there is what would be written.
            if !answer.ok() && answer.code != 409 {
                return Err(answer.refusal(&doing));
            }
        }
        let name = record::secret_name(product);
        let first = written.chunks.first().map(Vec::as_slice).unwrap_or_default();
        let mut head = secret(&name, "head", &[("head", &written.head), ("body", first)]);
        let ask = match old {
            None => Ask::write(Method::POST, secrets(), &head),
            Some(old) => {
                if let Some(metadata) = head.pointer_mut("/metadata").and_then(Value::as_object_mut) {
                    metadata.insert("resourceVersion".to_owned(), old.rv.clone().into());
                    metadata.insert("uid".to_owned(), old.uid.clone().into());
                }
                Ask::write(Method::PUT, format!("{}/{name}", secrets()), &head)
            }
        };
        let answer = self.ask(&ask, Some(held), self.soon()).await?;
        let now = match answer.code {
            _ if answer.ok() => answer.body,
            // Ours, if an answer was lost on the way; else somebody else's.
            409 | 404 | 422 => {
                let path = format!("{}/{name}", secrets());
                let found = self.read(&path, JSON, &doing).await?.ok_or_else(|| overtaken(product))?;
                if bytes(&found, "head").as_deref() != Some(written.head.as_slice()) {
                    return Err(overtaken(product));
                }
                found
            }
            _ => return Err(answer.refusal(&doing)),
        };
        let stored = Stored {
            record: record.clone(),
            rv: text(&now, "/metadata/resourceVersion").to_owned(),
            uid: text(&now, "/metadata/uid").to_owned(),
            parts: written.names,
        };
        for stale in old.into_iter().flat_map(|old| &old.parts).filter(|name| !stored.parts.contains(name)) {
            self.delete_secret(held, stale, None).await?;
        }
        Ok(stored)
    }

    /// Takes a record away.
    pub(super) async fn delete_record(
        &self,
        held: &Held,
        product: &ProductName,
        old: &Stored,
    ) -> Outcome<()> {
        let conditions = json!({"uid": old.uid, "resourceVersion": old.rv});
        if !self.delete_secret(held, &record::secret_name(product), Some(conditions)).await? {
            return Err(overtaken(product));
        }
        for part in &old.parts {
            self.delete_secret(held, part, None).await?;
        }
        Ok(())
    }

    /// Whether it is gone; false when a precondition did not hold.
    async fn delete_secret(&self, held: &Held, name: &str, conditions: Option<Value>) -> Outcome<bool> {
        let options = match conditions {
            Some(conditions) => {
                json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions})
            }
            None => json!({"apiVersion": "v1", "kind": "DeleteOptions"}),
        };
        let ask = Ask::write(Method::DELETE, format!("{}/{name}", secrets()), &options);
        let answer = self.ask(&ask, Some(held), self.soon()).await?;
        match answer.code {
            404 => Ok(true),
            409 => Ok(false),
            _ if answer.ok() => Ok(true),
            _ => Err(answer.refusal(&format!("deleting Secret {NAMESPACE}/{name}"))),
        }
    }

    /// The cluster's key for hashes of secret values; made under the lease if there is none.
    pub(super) async fn key(&self, held: Option<&Held>) -> Outcome<Option<Vec<u8>>> {
        let path = format!("{}/keys", secrets());
        let doing = "reading the cluster's key";
        let told = |secret: &Value| {
            let key = bytes(secret, "hmac").filter(|key| key.len() >= 16);
            let broken =
                || Error::new(Kind::Record, format!("{doing}: Secret {NAMESPACE}/keys has no `hmac`"));
            key.map(Some).ok_or_else(broken)
        };
        for _ in 0..2 {
            if let Some(found) = self.read(&path, JSON, doing).await? {
                return told(&found);
            }
            let Some(held) = held else { return Ok(None) };
            let mut key = [0_u8; 32];
            getrandom::fill(&mut key)
                .map_err(|e| Error::new(Kind::Other, format!("no random bytes: {e}")))?;
            let secret = secret("keys", "keys", &[("hmac", &key)]);
            let answer =
                self.ask(&Ask::write(Method::POST, secrets(), &secret), Some(held), self.soon()).await?;
            match answer.code {
                // Somebody was faster, or our own answer was lost: look again.
                409 => {}
                _ if answer.ok() => return told(&answer.body),
                _ => return Err(answer.refusal("making the cluster's key")),
            }
        }
        Err(Error::new(Kind::Other, format!("{doing}: it was made and is not there")))
    }
}

fn read_one(secret: &Value, head: &[u8], parts: &BTreeMap<String, Vec<u8>>) -> Result<Stored, Unreadable> {
    let used = std::cell::RefCell::new(Vec::new());
    let first = bytes(secret, "body").unwrap_or_default();
    let record = record::decode(head, &first, |name| {
        used.borrow_mut().push(name.to_owned());
        parts.get(name).map(Vec::as_slice)
    })?;
    Ok(Stored {
        record,
        rv: text(secret, "/metadata/resourceVersion").to_owned(),
        uid: text(secret, "/metadata/uid").to_owned(),
        parts: used.into_inner(),
    })
}
