//! Signatures by OpenSSH's `ssh-keygen -Y` (its manual page; the format is PROTOCOL.sshsig). It
//! decides the namespace, so that a signature made for something else never counts here, and that
//! only files of this call are read.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use super::process::{Answer, Call};
use crate::port::{Fault, Signatures};

/// The namespace of signatures under approvals.
const NAMESPACE: &str = "approval@tidegate.dev";

/// How long signing may take: a hardware key waits for a touch.
const SIGN: Duration = Duration::from_secs(60);

/// How long looking at a signature may take.
const VERIFY: Duration = Duration::from_secs(10);

/// The `ssh-keygen` on PATH.
#[derive(Debug, Clone, Copy, Default)]
pub struct SshKeygen;

fn named(answer: Result<Answer, Fault>) -> Result<Answer, Fault> {
    answer.map_err(|fault| {
        if fault.message.ends_with("was not found") {
            Fault::permanent(
                "ssh-keygen is not installed, or not on PATH: install OpenSSH's client, 8.2 or newer",
            )
        } else {
            fault
        }
    })
}

fn file(text: &str) -> Result<tempfile::NamedTempFile, Fault> {
    let written = tempfile::NamedTempFile::new().and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.flush()?;
        Ok(file)
    });
    written.map_err(|error| Fault::transient(format!("writing a temporary file: {error}")))
}

#[async_trait]
impl Signatures for SshKeygen {
    async fn sign(&self, key: &Path, text: &str) -> Result<String, Fault> {
        let call = Call::new("ssh-keygen", SIGN).args(["-Y", "sign", "-n", NAMESPACE, "-f"]).args([key]);
        let answer = named(call.stdin(text.as_bytes().to_vec()).run().await)?;
        let armored = String::from_utf8_lossy(&answer.stdout).into_owned();
        if !answer.ok() || !armored.contains("BEGIN SSH SIGNATURE") {
            return Err(Fault::permanent(format!("signing with `{}`: {}", key.display(), answer.words())));
        }
        Ok(armored)
    }

    async fn verify(
        &self,
        allowed: &str,
        person: &str,
        text: &str,
        armored: &str,
        at: jiff::Timestamp,
    ) -> Result<Result<(), String>, Fault> {
        let (allowed, signature) = (file(allowed)?, file(armored)?);
        let time = format!("-Overify-time={}Z", at.strftime("%Y%m%d%H%M%S"));
        let call = Call::new("ssh-keygen", VERIFY)
            .args(["-Y", "verify", "-n", NAMESPACE, &time, "-I", person, "-f"])
            .args([allowed.path()])
            .args(["-s"])
            .args([signature.path()]);
        let answer = named(call.stdin(text.as_bytes().to_vec()).run().await)?;
        if answer.ok() {
            return Ok(Ok(()));
        }
        Ok(Err(format!("the signature is not {person}'s by `pipelines/allowed_signers`: {}", answer.words())))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn key(folder: &Path, name: &str) -> (std::path::PathBuf, String) {
        let path = folder.join(name);
        let made = Call::new("ssh-keygen", SIGN)
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .args([&path]);
        assert!(made.run().await.unwrap().ok());
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        (path, public)
    }

    #[tokio::test]
    async fn only_the_persons_own_key_over_the_same_text_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (ann, ann_public) = key(folder.path(), "ann").await;
        let (eve, _) = key(folder.path(), "eve").await;
        let allowed = format!("ann@example.com {ann_public}");
        let now = jiff::Timestamp::now();
        let good = SshKeygen.sign(&ann, "text").await.unwrap();
        let forged = SshKeygen.sign(&eve, "text").await.unwrap();
        let look = async |person: &str, text: &str, armored: &str| {
            SshKeygen.verify(&allowed, person, text, armored, now).await.unwrap()
        };
        assert_eq!(look("ann@example.com", "text", &good).await, Ok(()));
        assert!(look("ann@example.com", "text", &forged).await.is_err());
        assert!(look("ann@example.com", "other text", &good).await.is_err());
        assert!(look("eve@example.com", "text", &forged).await.is_err());
        assert!(look("bob@example.com", "text", &good).await.is_err());
        assert!(look("ann@example.com", "text", "no signature").await.is_err());
    }

    #[tokio::test]
    async fn a_key_that_has_run_out_signs_nothing_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let (ann, public) = key(folder.path(), "ann").await;
        let allowed = format!("ann@example.com valid-before=\"20200101\" {public}");
        let good = SshKeygen.sign(&ann, "text").await.unwrap();
        let now = jiff::Timestamp::now();
        assert!(SshKeygen.verify(&allowed, "ann@example.com", "text", &good, now).await.unwrap().is_err());
    }
}
