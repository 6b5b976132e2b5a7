//! What differs between two answers, but for what is declared here as not imitated.

use serde_json::Value;

use super::both::Answered;
use super::script::Step;

/// What the simulation does not imitate anywhere: places (`*` stands for one step) and the reason. What
/// only one request shows stands at that request, under `differs`.
const DECLARED: &[(&str, &str)] = &[
    ("/serverAddressByClientCIDRs", "the address of a server that has none"),
    ("/gitCommit", "the build of the binary"),
    ("/buildDate", "the build of the binary"),
    ("/goVersion", "the build of the binary"),
];

/// The differences, each as a sentence.
pub fn between(step: &Step, real: &Answered, simulated: &Answered) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, a: &dyn std::fmt::Debug, b: &dyn std::fmt::Debug| {
        let (a, b) = (format!("{a:?}"), format!("{b:?}"));
        if a != b && !step.differs.contains_key(what) {
            found.push(format!("{what}: really {a}, simulated {b}"));
        }
    };
    same("status", &real.status, &simulated.status);
    same("content type", &real.content_type, &simulated.content_type);
    same("warnings", &real.warnings, &simulated.warnings);
    same("retry after", &real.retry_after, &simulated.retry_after);
    compare(step, "", Some(&real.body), Some(&simulated.body), &mut found);
    found
}

fn compare(
    step: &Step,
    path: &str,
    real: Option<&Value>,
    simulated: Option<&Value>,
    found: &mut Vec<String>,
) {
    let declared = DECLARED.iter().map(|(pattern, _)| *pattern);
    if declared.chain(step.differs.keys().map(String::as_str)).any(|pattern| is_at(pattern, path)) {
        return;
    }
    let steps = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
    match (real, simulated) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                compare(step, &steps(key), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                compare(step, &steps(&n.to_string()), Some(a), Some(b), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            let show = |v: Option<&Value>| v.map_or("nothing".to_owned(), Value::to_string);
            found.push(format!("{path}: really {}, simulated {}", show(a), show(b)));
        }
    }
}

fn is_at(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(p, s)| *p == "*" || p == s)
}
