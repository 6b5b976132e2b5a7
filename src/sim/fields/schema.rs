//! What a kind's objects may hold: built-in kinds by the table, others by their definitions.

use std::sync::Arc;

use serde_json::Value;

use super::check::{self, Cause};
use super::set::Set;
use super::table::table;
use super::types::{TypeId, Types};
use super::{apply, decode, defaults, definition};

/// The schema of one kind. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Schema {
    types: Arc<Types>,
    root: TypeId,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Origin {
    /// A built-in kind: its group and kind.
    Builtin(&'static str, &'static str),
    /// A definition: its `openAPIV3Schema`, and whether its status is a subresource.
    Definition(Arc<Value>, bool),
}

impl Schema {
    /// The schema of a built-in kind. Versions of a kind that the table does not have share the schema of
    /// the newest that it has.
    pub fn builtin(group: &str, version: &str, kind: &str) -> Option<Self> {
        let table = table();
        let of_kind = |(g, k, _): &&(&str, &str, &str)| *g == group && *k == kind;
        let exact = table.kinds.keys().filter(of_kind).find(|(_, _, v)| *v == version);
        let found = exact.or_else(|| table.kinds.keys().rfind(of_kind))?;
        let root = *table.kinds.get(found)?;
        Some(Self { types: Arc::clone(&table.types), root, origin: Origin::Builtin(found.0, found.1) })
    }

    /// The schema of a definition, from one version's `schema.openAPIV3Schema`. Making it costs more than
    /// using it: keep it as long as the definition stays.
    pub fn of_definition(open_api_v3: &Value) -> Self {
        let (types, root) = definition::types(open_api_v3);
        Self {
            types: Arc::new(types),
            root,
            origin: Origin::Definition(Arc::new(open_api_v3.clone()), false),
        }
    }

    /// The same for a definition whose version has the subresource `status`: writes of the object own
    /// nothing of the status, and writes of the status nothing else.
    #[must_use]
    pub fn with_status(mut self) -> Self {
        if let Origin::Definition(_, status) = &mut self.origin {
            *status = true;
        }
        self
    }

    /// Fields of an object that the schema does not know, as `unknown field "spec.x"` names them.
    pub fn unknown_fields(&self, object: &Value) -> Vec<String> {
        let mut fields = decode::unknown_fields(&self.types, self.root, object);
        if matches!(self.origin, Origin::Definition(..)) {
            fields.sort();
        }
        fields
    }

    /// The object without the fields that the schema does not know: what is left of it once it is decoded.
    pub fn without_unknown(&self, object: Value) -> Value {
        decode::without_unknown(&self.types, self.root, object)
    }

    /// Why an object of a built-in kind cannot be decoded, in the words behind `cannot be handled as a
    /// KIND: `: the first value whose type is wrong. Definitions refuse such values with causes instead.
    pub fn undecodable(&self, object: &Value) -> Option<String> {
        match &self.origin {
            Origin::Builtin(..) => decode::mistyped(&self.types, self.root, object),
            Origin::Definition(..) => None,
        }
    }

    /// What is not valid in an object: for definitions all that their schema asks, for built-in kinds the
    /// fields that must be there and the texts that must be one of some.
    pub fn check(&self, object: &Value) -> Vec<Cause> {
        match &self.origin {
            Origin::Builtin(..) => check::builtin(&self.types, self.root, object),
            Origin::Definition(schema, _) => check::definition(schema, object),
        }
    }

    /// An object with the defaults of its schema, and of built-in kinds those that the server knows by
    /// heart; of these also in the form in which the server gives it back: without nulls and empty
    /// fields that mean nothing.
    pub fn defaulted(&self, object: Value) -> Value {
        match &self.origin {
            Origin::Builtin(..) => defaults::builtin(&self.types, self.root, object),
            Origin::Definition(..) => defaults::stated(&self.types, self.root, object),
        }
    }

    /// The form in which the server keeps an object, without new defaults.
    pub(super) fn normal(&self, object: Value) -> Value {
        match &self.origin {
            Origin::Builtin(..) => defaults::normal(&self.types, self.root, object),
            Origin::Definition(..) => object,
        }
    }

    /// An object of this kind in which nothing stands.
    pub(super) fn empty(&self, like: &Value) -> Value {
        self.normal(apply::bare(like))
    }

    /// All types that the schema needs.
    pub(super) fn types(&self) -> &Types {
        &self.types
    }

    /// The type of the whole object.
    pub(super) fn root(&self) -> TypeId {
        self.root
    }

    /// Fields that a write through a subresource (or, empty, of the object) cannot change, so that nobody
    /// becomes their owner by it.
    pub(super) fn reset(&self, subresource: &str) -> Set {
        let map = self.types.get(self.root).map.as_ref();
        let has_status = map.is_some_and(|map| map.known.contains_key("status"));
        let paths: &[&[&str]] = match (&self.origin, subresource) {
            (Origin::Definition(_, false), _) => &[],
            (Origin::Definition(..), "") => &[&["status"]],
            (Origin::Definition(..), "status") => &[&["metadata"], &["spec"]],
            (Origin::Builtin("certificates.k8s.io", _), "") => &[&["spec"], &["status"]],
            (Origin::Builtin("certificates.k8s.io", _), "status") => &[&["spec"], &["status", "conditions"]],
            (Origin::Builtin("certificates.k8s.io", _), "approval") => {
                &[&["spec"], &["status", "certificate"]]
            }
            (Origin::Builtin("" | "apps", "Pod"), "status") => {
                &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
            }
            (Origin::Builtin("apps", "Deployment"), "status") => &[&["spec"], &["metadata", "labels"]],
            (
                Origin::Builtin(
                    "admissionregistration.k8s.io"
                    | "flowcontrol.apiserver.k8s.io"
                    | "storage.k8s.io"
                    | "apiregistration.k8s.io",
                    _,
                )
                | Origin::Builtin("networking.k8s.io", "ServiceCIDR"),
                "status",
            ) => &[&["metadata"], &["spec"]],
            (Origin::Builtin(..), "status") => &[&["spec"]],
            (Origin::Builtin(_, kind), "" | "finalize") if has_status && !kind.ends_with("Review") => {
                &[&["status"]]
            }
            _ => &[],
        };
        Set::of_names(paths)
    }
}
