//! How what differs in a cluster is put back: the reason if an apply alone can't do it, and the
//! commands, in order. Nothing here is done; people type them.

use std::collections::BTreeMap;

use crate::apply::mending::Mending;
use crate::apply::prune::is_protected;
use crate::model::{ClusterEntry, Conflicts, ReleaseId};
use crate::report::word;

use super::cluster::{ObjectChange, ObjectDrift};

/// What an apply would do about a difference.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mend {
    /// In one word.
    pub reason: MendReason,
    /// In one sentence, with what the API server said.
    pub words: String,
}

/// What an apply would do about a difference, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MendReason {
    /// It puts it back.
    Applies,
    /// It makes the object anew, since a field can't be changed.
    MadeAnew,
    /// It is refused, since a field can't be changed.
    ImmutableField,
    /// It is refused for another reason.
    Refused,
    /// It could not be tried.
    NotTried,
}

impl Mend {
    /// What an apply would do about this object; nothing where that is not known at all.
    pub fn of(drift: &ObjectDrift) -> Option<Self> {
        let (reason, words) = match drift.mending.as_ref()? {
            Mending::Applies => (MendReason::Applies, "an apply puts it back".to_owned()),
            Mending::MadeAnew { said } => {
                (MendReason::MadeAnew, format!("immutable field ({said}): an apply makes the object anew"))
            }
            Mending::Immutable { said } if is_protected(&drift.id) => (
                MendReason::ImmutableField,
                format!(
                    "immutable field ({said}): with the object its data would go, so it is not deleted: \
                     change the product to fit, or move the data"
                ),
            ),
            Mending::Immutable { said } => (
                MendReason::ImmutableField,
                format!("immutable field ({said}): an apply can't put it back, only make the object again"),
            ),
            Mending::KeyChanged { list, said } => (
                MendReason::ImmutableField,
                format!(
                    "immutable field ({said}): the key of an item of {list} was changed, and an apply adds its \
                     own item beside it: put the list back as a whole"
                ),
            ),
            Mending::Refused { said } => (MendReason::Refused, format!("an apply is refused: {said}")),
            Mending::NotTried { why } => {
                (MendReason::NotTried, format!("whether an apply puts it back is not known: {why}"))
            }
        };
        Some(Self { reason, words })
    }

    /// Whether it needs words beside the difference: that an apply puts something back is the rule.
    pub fn is_told(&self) -> bool {
        self.reason != MendReason::Applies
    }
}

/// The commands that put a cluster's objects back, collected product by product.
#[derive(Debug, Default)]
pub struct Fix {
    by_hand: Vec<String>,
    /// Whether fields are taken over, by release.
    plans: BTreeMap<ReleaseId, bool>,
}

impl Fix {
    /// Adds what one object of a product needs, which `release` brought.
    pub fn add(
        &mut self,
        entry: &ClusterEntry,
        release: &ReleaseId,
        conflicts: Conflicts,
        drift: &ObjectDrift,
    ) {
        let Some(mending) = &drift.mending else { return };
        match mending {
            Mending::Refused { .. } => return,
            Mending::Immutable { .. } if is_protected(&drift.id) => return,
            Mending::KeyChanged { .. } => {
                let patch =
                    drift.patch.as_ref().map(|p| format!(" --type merge -p {}", word(&p.to_string())));
                self.by_hand.extend(patch.and_then(|patch| kubectl(entry, drift, "patch", &patch)));
                return;
            }
            Mending::Immutable { .. } => self.by_hand.extend(kubectl(entry, drift, "delete", "")),
            Mending::Applies | Mending::MadeAnew { .. } | Mending::NotTried { .. } => {}
        }
        let others = match &drift.change {
            ObjectChange::Fields(fields) => fields.iter().any(|field| field.by.is_some()),
            ObjectChange::Replaced => true,
            ObjectChange::Missing | ObjectChange::Deleting | ObjectChange::Changed => false,
        };
        let gone = matches!(mending, Mending::Immutable { .. });
        *self.plans.entry(release.clone()).or_default() |= others && !gone && conflicts == Conflicts::Fail;
    }

    /// The commands, in the order in which they are to be typed.
    pub fn commands(self) -> Vec<String> {
        let mut commands = self.by_hand;
        for (release, take_over) in self.plans {
            let take_over = if take_over { " --take-over" } else { "" };
            commands.push(format!("tidegate plan {release} --reapply{take_over} --out {release}-again.plan"));
            commands.push(format!("tidegate rollout start {release}-again.plan"));
        }
        commands
    }
}

/// One kubectl command on one object; nothing if its kind is not served.
fn kubectl(entry: &ClusterEntry, drift: &ObjectDrift, verb: &str, more: &str) -> Option<String> {
    let resource = drift.resource.as_ref()?;
    let mut text = format!("kubectl --kubeconfig {}", word(&entry.kubeconfig.path.value));
    if let Some(context) = &entry.kubeconfig.context {
        text.push_str(&format!(" --context {}", word(&context.value)));
    }
    if !drift.id.namespace.is_empty() {
        text.push_str(&format!(" -n {}", word(&drift.id.namespace)));
    }
    Some(format!("{text} {verb} {resource} {}{more}", word(&drift.id.name)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use crate::apply::ObjectId;
    use crate::apply::drift::LostField;
    use crate::model::KubeconfigRef;
    use crate::yaml::Spanned;

    use super::*;

    fn entry() -> ClusterEntry {
        let place = crate::diag::Place::none;
        ClusterEntry {
            name: Spanned::new("acme".parse().unwrap(), place()),
            labels: BTreeMap::new(),
            provider: None,
            kubeconfig: KubeconfigRef {
                path: Spanned::new("~/my kube".to_owned(), place()),
                context: Some(Spanned::new("eu/acme".to_owned(), place())),
            },
            hibernated: false,
            values: BTreeMap::new(),
            exclude: Vec::new(),
        }
    }

    fn drift(kind: &str, by: Option<&str>, mending: Mending) -> ObjectDrift {
        let field = LostField {
            field: "spec.x".into(),
            applied: json!(1),
            found: json!(2),
            by: by.map(str::to_owned),
            at: None,
        };
        ObjectDrift {
            id: ObjectId {
                group: String::new(),
                kind: kind.into(),
                namespace: "shop".into(),
                name: "a".into(),
            },
            change: ObjectChange::Fields(vec![field]),
            mending: Some(mending),
            resource: Some(format!("{}s", kind.to_lowercase())),
            patch: Some(json!({"spec": {"x": "it's"}})),
        }
    }

    fn commands(conflicts: Conflicts, drifts: &[ObjectDrift]) -> Vec<String> {
        let mut fix = Fix::default();
        for drift in drifts {
            fix.add(&entry(), &"R1".parse().unwrap(), conflicts, drift);
        }
        fix.commands()
    }

    fn immutable() -> Mending {
        Mending::Immutable { said: "spec.x: field is immutable".into() }
    }

    #[test]
    fn what_is_in_the_way_is_deleted_first_and_applied_then() {
        let here = "kubectl --kubeconfig '~/my kube' --context eu/acme -n shop";
        assert_eq!(
            commands(Conflicts::Fail, &[drift("Service", Some("kubectl-edit"), immutable())]),
            [
                format!("{here} delete services a").as_str(),
                "tidegate plan R1 --reapply --out R1-again.plan",
                "tidegate rollout start R1-again.plan",
            ]
        );
        let key = Mending::KeyChanged { list: "spec.x".into(), said: "twice".into() };
        assert_eq!(
            commands(Conflicts::Fail, &[drift("Service", None, key)]),
            [format!("{here} patch services a --type merge -p '{{\"spec\":{{\"x\":\"it'\\''s\"}}}}'")]
        );
    }

    #[test]
    fn fields_of_others_are_taken_over_unless_the_product_takes_them_anyway() {
        let edited =
            [drift("Service", None, Mending::Applies), drift("Service", Some("hpa"), Mending::Applies)];
        let plan = |conflicts| commands(conflicts, &edited).remove(0);
        assert_eq!(plan(Conflicts::Fail), "tidegate plan R1 --reapply --take-over --out R1-again.plan");
        assert_eq!(plan(Conflicts::Take), "tidegate plan R1 --reapply --out R1-again.plan");
    }

    #[test]
    fn data_is_never_advised_to_be_deleted_and_what_is_refused_has_no_command() {
        let claim = drift("PersistentVolumeClaim", None, immutable());
        let refused = drift("Service", None, Mending::Refused { said: "no".into() });
        assert_eq!(commands(Conflicts::Take, &[claim.clone(), refused.clone()]), Vec::<String>::new());
        let words = |drift| Mend::of(&drift).unwrap().words;
        assert!(words(claim).starts_with("immutable field (spec.x: field is immutable): with the object"));
        assert_eq!(words(refused), "an apply is refused: no");
    }
}
