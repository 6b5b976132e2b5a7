//! Whether the registry has the version that a bump names by its tag alone: one question without content. What the
//! registry says it does not have is refused. Whoever can't ask goes on, and is told that nobody looked.

use std::time::Duration;

use crate::diag::{Finding, Severity};
use crate::lcm::pick::pick;
use crate::lcm::policy::Policy;
use crate::lcm::version::Scheme;
use crate::model::image::{Image, Repository};
use crate::port::upstream::{Registry, Silence, Unanswered, Wanted};

/// So long is waited for: an engineer without a network bumps too.
const LONGEST: Duration = Duration::from_secs(10);

/// That nobody could say whether there is such a version, if it is so.
///
/// # Errors
/// When the registry says that there is none.
pub(super) async fn published(
    repository: &Repository,
    (from, to): (&str, &str),
    registry: &dyn Registry,
) -> Result<Option<Finding>, Box<Finding>> {
    let asked = tokio::time::timeout(LONGEST, answered(repository, (from, to), registry)).await;
    let late = || {
        let words = format!("{repository} gave no answer within {} seconds", LONGEST.as_secs());
        Ok(Some(Unanswered::new(Silence::Unreachable, words)))
    };
    let unproved = asked.unwrap_or_else(|_| late())?;
    Ok(unproved.map(|silence| {
        let words = format!("whether {repository} has {to} was not proved: {silence}");
        let told = Unanswered::new(silence.why, words).finding();
        Finding { severity: Severity::Warning, ..told }
    }))
}

async fn answered(
    repository: &Repository,
    (from, to): (&str, &str),
    registry: &dyn Registry,
) -> Result<Option<Unanswered>, Box<Finding>> {
    let image = Image { repository: repository.clone(), tag: Some(to.to_owned()), digest: None };
    let silence = match registry.digest(&image).await {
        Ok(_) => return Ok(None),
        Err(silence) if silence.why != Silence::Missing => return Ok(Some(silence)),
        Err(silence) => silence,
    };
    match registry.tags(repository, Wanted::Names).await {
        // It contradicts itself.
        Ok(tags) if tags.iter().any(|tag| tag == to) => Ok(Some(silence)),
        Ok(tags) => Err(Box::new(missing(silence, (from, to), &tags.iter().collect::<Vec<_>>()))),
        // Docker Hub says the same of what is not there and of what nobody may see who is not logged in.
        Err(none) if none.why == Silence::Missing && repository.registry == "docker.io" => Ok(Some(silence)),
        Err(_) => Err(Box::new(missing(silence, (from, to), &[]))),
    }
}

/// That there is no such version, and which there are.
fn missing(silence: Unanswered, (from, to): (&str, &str), tags: &[&str]) -> Finding {
    let finding = silence.finding().did_you_mean(to, tags.iter().copied());
    let newest = pick(from, tags, &Policy::of(Scheme::Auto)).ok().and_then(|choice| choice.newest);
    match newest {
        Some(newest) => finding.hint(format!("the newest after `{from}` is `{newest}`")),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::port::upstream::Tags;

    /// A registry that says this of every tag, and has these.
    struct Says(Option<Silence>, Result<&'static [&'static str], Silence>);

    #[async_trait]
    impl Registry for Says {
        async fn tags(&self, _: &Repository, _: Wanted) -> Result<Arc<Tags>, Unanswered> {
            let tags = self.1.map_err(|why| Unanswered::new(why, "no list"))?;
            Ok(Arc::new(tags.iter().copied().collect()))
        }
        async fn digest(&self, _: &Image) -> Result<String, Unanswered> {
            match self.0 {
                Some(why) => Err(Unanswered::new(why, "no digest")),
                None => Ok(format!("sha256:{}", "a".repeat(64))),
            }
        }
        async fn platforms(&self, _: &Image) -> Result<Vec<String>, Unanswered> {
            Ok(Vec::new())
        }
        async fn chart(&self, _: &Image) -> Result<Vec<u8>, Unanswered> {
            Ok(Vec::new())
        }
    }

    /// `has`, `refused` or `unproved`, in words.
    async fn told(repository: &str, to: &str, says: Says) -> (&'static str, String) {
        match published(&repository.parse().unwrap(), ("v1.17.0", to), &says).await {
            Ok(None) => ("has", String::new()),
            Ok(Some(warning)) => {
                assert_eq!(warning.severity, Severity::Warning);
                ("unproved", warning.to_string())
            }
            Err(finding) => ("refused", finding.to_string()),
        }
    }

    const TAGS: &[&str] = &["v1.17.0", "v1.17.1", "v1.18.0"];

    #[tokio::test]
    async fn what_the_registry_does_not_have_is_refused_with_what_it_has() {
        let gone = || Says(Some(Silence::Missing), Ok(TAGS));
        let (outcome, words) = told("quay.io/a/b", "v1.8.0", gone()).await;
        assert_eq!(outcome, "refused");
        assert!(words.contains("did you mean `v1.18.0`?"), "{words}");
        let (outcome, words) = told("quay.io/a/b", "v9.9.9", gone()).await;
        assert!(outcome == "refused" && words.contains("the newest after `v1.17.0` is `v1.18.0`"), "{words}");
        for list in [Silence::Missing, Silence::Forbidden, Silence::Unreachable] {
            let says = Says(Some(Silence::Missing), Err(list));
            assert_eq!(told("quay.io/a/b", "v9.9.9", says).await.0, "refused", "{list:?}");
        }
    }

    #[tokio::test]
    async fn where_nobody_can_say_it_the_bump_goes_on_and_says_so() {
        assert_eq!(told("quay.io/a/b", "v1.18.0", Says(None, Ok(TAGS))).await.0, "has");
        for why in [Silence::Forbidden, Silence::Limited, Silence::Unreachable, Silence::Invalid] {
            let (outcome, words) = told("quay.io/a/b", "v1.18.0", Says(Some(why), Ok(TAGS))).await;
            assert!(outcome == "unproved" && words.contains("was not proved: no digest"), "{words}");
        }
        let contradicted = Says(Some(Silence::Missing), Ok(TAGS));
        assert_eq!(told("quay.io/a/b", "v1.18.0", contradicted).await.0, "unproved");
        let hidden = || Says(Some(Silence::Missing), Err(Silence::Missing));
        assert_eq!(told("docker.io/a/b", "v1.18.0", hidden()).await.0, "unproved");
    }
}
