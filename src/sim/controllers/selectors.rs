//! Label selectors, node selectors, and tolerations against taints.

use serde_json::Value;

use super::fields::{list, map, text};
use crate::sim::json::At as _;

/// Whether a selector of a workload or a budget selects these labels. One without any requirement
/// selects all; `null` selects nothing.
pub(in crate::sim) fn selects(selector: &Value, labels: &Value) -> bool {
    if !selector.is_object() {
        return false;
    }
    let equal = map(selector, "/matchLabels").is_none_or(|wanted| is_subset(wanted, labels));
    equal && list(selector, "/matchExpressions").iter().all(|term| meets(term, labels))
}

/// Whether the plain selector of a Service selects these labels; an empty one selects nothing.
pub(super) fn selects_plainly(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|wanted| !wanted.is_empty() && is_subset(wanted, labels))
}

/// Whether all of these labels are among those.
pub(super) fn is_subset(wanted: &serde_json::Map<String, Value>, labels: &Value) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn meets(term: &Value, labels: &Value) -> bool {
    let found = labels.get(text(term, "/key")).and_then(Value::as_str);
    let values = list(term, "/values");
    let listed = |found: &str| values.iter().any(|value| value.as_str() == Some(found));
    let compare = |than: fn(&i64, &i64) -> bool| {
        let number = |text: &str| text.parse::<i64>().ok();
        let bound = values.first().and_then(Value::as_str).and_then(number);
        found.and_then(number).zip(bound).is_some_and(|(found, bound)| than(&found, &bound))
    };
    match text(term, "/operator") {
        "In" => found.is_some_and(listed),
        "NotIn" => !found.is_some_and(listed),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => compare(i64::gt),
        "Lt" => compare(i64::lt),
        _ => false,
    }
}

/// Whether a pod's node selector and required node affinity let it onto a node.
pub(super) fn fits_node(pod_spec: &Value, node: &Value) -> bool {
    let none = Value::Null;
    let labels = node.at("/metadata/labels").unwrap_or(&none);
    if map(pod_spec, "/nodeSelector").is_some_and(|wanted| !is_subset(wanted, labels)) {
        return false;
    }
    let required = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = list(pod_spec, required);
    let named = serde_json::json!({"metadata.name": text(node, "/metadata/name")});
    terms.is_empty()
        || terms.iter().any(|term| {
            list(term, "/matchExpressions").iter().all(|term| meets(term, labels))
                && list(term, "/matchFields").iter().all(|term| meets(term, &named))
        })
}

/// The first taint of a node, with one of these effects, that a pod does not tolerate.
pub(super) fn untolerated<'n>(pod_spec: &Value, node: &'n Value, effects: &[&str]) -> Option<&'n Value> {
    list(node, "/spec/taints").iter().find(|taint| {
        effects.contains(&text(taint, "/effect"))
            && !list(pod_spec, "/tolerations").iter().any(|toleration| tolerates(toleration, taint))
    })
}

/// Whether a toleration is for a taint.
pub(super) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let (effect, key) = (text(toleration, "/effect"), text(toleration, "/key"));
    if !effect.is_empty() && effect != text(taint, "/effect") {
        return false;
    }
    if !key.is_empty() && key != text(taint, "/key") {
        return false;
    }
    match text(toleration, "/operator") {
        "Exists" => true,
        "" | "Equal" => !key.is_empty() && text(toleration, "/value") == text(taint, "/value"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_select_as_the_servers_do() {
        let labels = json!({"app": "web", "tier": "front"});
        for (selector, expected) in [
            (json!({}), true),
            (json!(null), false),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "db"}}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}), false),
            (json!({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}), false),
        ] {
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
        assert!(!selects_plainly(&json!({}), &labels));
        assert!(selects_plainly(&json!({"app": "web"}), &labels));
    }

    #[test]
    fn taints_keep_away_who_does_not_tolerate_them() {
        let node = json!({"spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]}});
        let pod = |tolerations: Value| json!({"tolerations": tolerations});
        assert!(untolerated(&pod(json!([])), &node, &["NoSchedule"]).is_some());
        assert!(untolerated(&pod(json!([])), &node, &["NoExecute"]).is_none());
        assert!(untolerated(&pod(json!([{"operator": "Exists"}])), &node, &["NoSchedule"]).is_none());
        let other = pod(json!([{"key": "gpu", "value": "no", "effect": "NoSchedule"}]));
        assert!(untolerated(&other, &node, &["NoSchedule"]).is_some());
    }
}
