//! Lists of clusters that are kept elsewhere: every context of a kubeconfig file, or what a command
//! prints. It reads them; what a loss of many clusters at once means is for `catalog`. A list that
//! can't be read, or is empty, is an error and never a fleet without clusters.

use std::path::Path;
use std::time::Duration;

use super::clusters::{locate, read};
use super::process::Call;
use crate::model::{ClusterEntry, ClusterName, KubeconfigRef, Source};
use crate::port::Fault;
use crate::yaml::Spanned;

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// The clusters of a source, in its order.
///
/// # Errors
/// Permanent when the source is wrong or empty, transient when its command fails or takes longer
/// than a minute.
pub async fn clusters(source: &Source, root: &Path, home: Option<&Path>) -> Result<Vec<ClusterEntry>, Fault> {
    let entries = match source {
        Source::Kubeconfig(source) => {
            let file = read(&locate(root, home, &source.path)?, &source.path).await?;
            let labels: Vec<_> = source
                .labels
                .iter()
                .map(|(k, v)| (Spanned::placeless(k.clone()), Spanned::placeless(v.clone())))
                .collect();
            file.contexts
                .iter()
                .map(|context| {
                    Ok(ClusterEntry {
                        name: Spanned::new(name(&context.name, &source.path)?, source.path.place.clone()),
                        labels: labels.iter().cloned().collect(),
                        provider: None,
                        kubeconfig: KubeconfigRef {
                            path: source.path.clone(),
                            context: Some(Spanned::placeless(context.name.clone())),
                        },
                        hibernated: false,
                        values: Default::default(),
                        exclude: Vec::new(),
                    })
                })
                .collect::<Result<Vec<_>, Fault>>()?
        }
        Source::Command(source) => {
            let words: Vec<&str> = source.command.iter().map(|word| word.value.as_str()).collect();
            let Some((program, args)) = words.split_first() else {
                return Err(Fault::permanent("the command of the fleet's source is empty"));
            };
            let program = if program.contains('/') { root.join(program) } else { program.into() };
            let answer = Call::new(&program, DEADLINE).args(args).dir(root).run().await?;
            if !answer.ok() {
                return Err(Fault::transient(format!(
                    "the command `{}` of the fleet's source failed: {}",
                    words.join(" "),
                    answer.words()
                )));
            }
            parse(&answer.stdout).map_err(|why| {
                Fault::permanent(format!("the command `{}` of the fleet's source: {why}", words.join(" ")))
            })?
        }
    };
    if entries.is_empty() {
        return Err(Fault::permanent(
            "the fleet's source lists no cluster at all, which is never taken for an empty fleet",
        ));
    }
    Ok(entries)
}

fn name(context: &str, path: &str) -> Result<ClusterName, Fault> {
    context.parse().map_err(|error| {
        Fault::permanent(format!(
            "the context `{context}` of `{path}` is no name for a cluster: {error}; rename it with `kubectl config rename-context`"
        ))
    })
}

fn parse(text: &[u8]) -> Result<Vec<ClusterEntry>, String> {
    let items: Vec<serde_json::Value> = serde_json::from_slice(text).map_err(|error| {
        format!("it prints no JSON list (line {}, column {})", error.line(), error.column())
    })?;
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            let shown = item.get("name").and_then(|name| name.as_str()).map(str::to_owned);
            serde_json::from_value(item).map_err(|error| {
                let shown = shown.unwrap_or_else(|| "without a name".to_owned());
                format!("item {} ({shown}): {error}", index + 1)
            })
        })
        .collect()
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
