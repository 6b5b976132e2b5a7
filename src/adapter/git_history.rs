//! What git knows about how commits follow each other.

use super::git::{GitCli, refused};
use super::git_objects::short;
use crate::port::Fault;

impl GitCli {
    /// [`crate::port::Git::authors`].
    pub(super) async fn authors_between(
        &self,
        since: Option<&str>,
        until: &str,
        under: &[&str],
    ) -> Result<Vec<String>, Fault> {
        let range = match since {
            Some(since) => format!("{since}..{until}"),
            None => until.to_owned(),
        };
        let format = "--format=%aE%n%(trailers:key=Co-authored-by,valueonly)";
        let mut args = vec!["log", format, &range, "--"];
        args.extend(under.iter().copied());
        let out = self.must("looking for authors", &args).await?;
        let text = String::from_utf8_lossy(&out);
        let address = |line: &str| {
            let inner = line.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
            inner.map_or(line, |(address, _)| address).trim().to_owned()
        };
        let mut found: Vec<String> = text.lines().map(address).filter(|line| !line.is_empty()).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// [`crate::port::Git::descends`].
    pub(super) async fn comes_after(&self, commit: &str, from: &str) -> Result<bool, Fault> {
        if commit == from {
            return Ok(true);
        }
        if self.object(format!("{from}^{{commit}}")).await?.is_none() {
            return Err(Fault::permanent(format!(
                "the commit {} is not in this repository: run `git fetch`, in a shallow clone `git fetch --unshallow`",
                short(from)
            )));
        }
        let answer = self.git(&["merge-base", "--is-ancestor", from, commit]).await?;
        match answer.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(refused("comparing two commits", &answer)),
        }
    }
}
