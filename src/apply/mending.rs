//! Whether an apply would put back what somebody changed: what an API server's answer to a dry run
//! means. Nothing here asks one.

use serde_json::Value;

use super::drift::LostField;

/// What an apply would do about an object that is not as it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mending {
    /// It puts it back.
    Applies,
    /// A field can't be changed, and the object is made anew, as objects of its kind always are.
    MadeAnew {
        /// What the server said of the field.
        said: String,
    },
    /// A field can't be changed: the apply is refused as long as the object is there.
    Immutable {
        /// What the server said of the field.
        said: String,
    },
    /// The key of an item of a list was changed. An apply adds its own item beside that one, and the
    /// two don't go together.
    KeyChanged {
        /// The list: `spec.ports`.
        list: String,
        /// What the server said of it.
        said: String,
    },
    /// The server refuses it for another reason.
    Refused {
        /// What it said.
        said: String,
    },
    /// It could not be tried.
    NotTried {
        /// Why.
        why: String,
    },
}

impl Mending {
    /// The same without what the server said: of a Secret it may quote a value.
    #[must_use]
    pub fn without_words(self) -> Self {
        let untold = || "its text is not shown, since it may hold a value".to_owned();
        match self {
            Self::Applies => self,
            Self::MadeAnew { .. } => Self::MadeAnew { said: untold() },
            Self::Immutable { .. } => Self::Immutable { said: untold() },
            Self::KeyChanged { list, .. } => Self::KeyChanged { list, said: untold() },
            Self::Refused { .. } => Self::Refused { said: untold() },
            Self::NotTried { .. } => Self::NotTried { why: untold() },
        }
    }
}

/// A server's answer to a dry run.
#[derive(Debug, Clone, Copy)]
pub struct DryRun<'a> {
    /// The status code.
    pub code: u16,
    /// Its message.
    pub message: &'a str,
    /// `details.causes`: reason, field, message.
    pub causes: &'a [(&'a str, &'a str, &'a str)],
}

impl DryRun<'_> {
    /// What it means. `lost` are the fields that were changed; `made_anew` says whether objects of this
    /// kind are deleted and made anew when a field of theirs can't be changed.
    pub fn mending(&self, lost: &[LostField], made_anew: bool) -> Mending {
        let said = || self.message.trim().to_owned();
        match self.code {
            200..300 => return Mending::Applies,
            // Not the right to patch, which is asked before the object is looked at; a policy that denies
            // it says so in other words.
            401 => return Mending::NotTried { why: format!("the API server answered 401: {}", said()) },
            403 if self.message.contains(" cannot ") => {
                let why = format!("these credentials may not try it: {}", said());
                return Mending::NotTried { why };
            }
            400 if self.message.contains("dry run") => return Mending::NotTried { why: said() },
            400 | 403 | 409 | 415 | 422 => {}
            500 if self.message.contains("failed to create typed patch object") => {}
            code => {
                return Mending::NotTried { why: format!("the API server answered {code}: {}", said()) };
            }
        }
        let of = |field: &str, said: &str| match field.is_empty() {
            true => said.to_owned(),
            false => format!("{field}: {said}"),
        };
        if let Some((_, field, message)) = self.causes.iter().find(|(_, _, message)| says_immutable(message))
        {
            // `Invalid value: {...}: field is immutable`: what was sent is in between, and may be long.
            let said = of(field, message.rsplit(": ").next().unwrap_or(message));
            return if made_anew { Mending::MadeAnew { said } } else { Mending::Immutable { said } };
        }
        if self.causes.is_empty() && self.code == 422 && says_immutable(self.message) {
            let said = said();
            return if made_anew { Mending::MadeAnew { said } } else { Mending::Immutable { said } };
        }
        let doubled = self.causes.iter().find_map(|cause| {
            let (reason, field, message) = *cause;
            let list = field.split('[').next().filter(|list| *list != field)?;
            let keyed = matches!(reason, "FieldValueDuplicate" | "FieldValueRequired");
            let lost =
                lost.iter().any(|lost| lost.found.is_null() && lost.field.starts_with(&format!("{list}[")));
            (keyed && lost).then(|| Mending::KeyChanged { list: list.to_owned(), said: of(field, message) })
        });
        doubled.unwrap_or_else(|| Mending::Refused { said: said() })
    }
}

/// Whether a server's words about a field say that it can't be changed any more. There is no reason code
/// for that: kinds say it in these words (Kubernetes 1.30 to 1.36, `pkg/apis/*/validation`).
fn says_immutable(words: &str) -> bool {
    const SAID: &[&str] = &[
        // `field is immutable`, `spec is immutable after creation`, `Value is immutable`.
        "immutable",
        // `may not change once set` (clusterIP), `pod updates may not change fields other than`.
        "may not change",
        "may not be changed",
        // `cannot change roleRef`.
        "cannot change",
        "cannot be changed",
    ];
    let words = words.to_lowercase();
    // `updates to statefulset spec for fields other than ... are forbidden`.
    let updates = words.contains("updates to ") && words.contains("forbidden");
    updates || SAID.iter().any(|said| words.contains(said))
}

/// The merge patch that puts a list back as it is in `payload`; nothing if it is not there.
pub fn list_patch(payload: &Value, list: &str) -> Option<Value> {
    let mut value = payload;
    let keys: Vec<&str> = list.split('.').collect();
    for key in &keys {
        value = value.get(key)?;
    }
    Some(keys.iter().rev().fold(value.clone(), |inner, key| serde_json::json!({ *key: inner })))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn lost(field: &str, found: Value) -> LostField {
        LostField { field: field.into(), applied: json!(80), found, by: None, at: None }
    }

    fn judged(code: u16, message: &str, causes: &[(&str, &str, &str)]) -> Mending {
        DryRun { code, message, causes }.mending(&[lost("spec.ports[port=80]", Value::Null)], false)
    }

    #[test]
    fn a_field_that_cannot_be_changed_is_known_by_what_kinds_say_of_it() {
        for (reason, field, said) in [
            ("FieldValueInvalid", "spec.selector", "Invalid value: {}: field is immutable"),
            ("FieldValueForbidden", "data", "Forbidden: field is immutable when `immutable` is set"),
            ("FieldValueInvalid", "spec.clusterIPs[0]", "Invalid value: []: may not change once set"),
            ("FieldValueInvalid", "roleRef", "Invalid value: {}: cannot change roleRef"),
            ("FieldValueForbidden", "parameters", "Forbidden: updates to parameters are forbidden."),
            ("FieldValueForbidden", "value", "Forbidden: may not be changed in an update."),
            (
                "FieldValueForbidden",
                "spec",
                "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
            ),
        ] {
            let said_of = format!("{field}: {}", said.rsplit(": ").next().unwrap());
            assert_eq!(
                judged(422, "it is invalid", &[(reason, field, said)]),
                Mending::Immutable { said: said_of }
            );
        }
        let job = DryRun {
            code: 422,
            message: "x",
            causes: &[("FieldValueInvalid", "spec", "field is immutable")],
        };
        assert!(matches!(job.mending(&[], true), Mending::MadeAnew { .. }));
    }

    #[test]
    fn a_changed_key_of_a_list_is_told_from_other_refusals() {
        let twice = ("FieldValueDuplicate", "spec.ports[1].name", "Duplicate value: \"http\"");
        let changed = judged(422, "it is invalid", &[twice]);
        assert!(matches!(&changed, Mending::KeyChanged { list, .. } if list == "spec.ports"), "{changed:?}");
        let elsewhere = ("FieldValueDuplicate", "spec.rules[1].name", "Duplicate value: \"http\"");
        assert_eq!(
            judged(422, "it is invalid", &[elsewhere]),
            Mending::Refused { said: "it is invalid".into() }
        );
        let value = ("FieldValueInvalid", "spec.ports[0].port", "must be between 1 and 65535");
        assert!(matches!(judged(422, "it is invalid", &[value]), Mending::Refused { .. }));
    }

    #[test]
    fn what_could_not_be_tried_is_no_refusal() {
        let reader = "services \"web\" is forbidden: User \"view\" cannot patch resource \"services\"";
        for (code, message) in [
            (403, reader),
            (401, "Unauthorized"),
            (400, "admission webhook \"a.example.com\" does not support dry run"),
            (503, "unavailable"),
        ] {
            assert!(matches!(judged(code, message, &[]), Mending::NotTried { .. }), "{code} {message}");
        }
        let denied = "services \"web\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: no";
        assert!(matches!(judged(403, denied, &[]), Mending::Refused { .. }));
        assert_eq!(judged(200, "", &[]), Mending::Applies);
    }

    #[test]
    fn a_list_is_put_back_as_a_whole() {
        let payload = json!({"spec": {"ports": [{"port": 80}], "type": "ClusterIP"}});
        assert_eq!(list_patch(&payload, "spec.ports"), Some(json!({"spec": {"ports": [{"port": 80}]}})));
        assert_eq!(list_patch(&payload, "spec.rules"), None);
    }
}
