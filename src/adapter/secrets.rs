//! Secret references, resolved: an environment variable, a file, a command. It decides deadlines
//! and sizes, and that no error ever holds any part of a value. Who may see a value is decided by
//! who asks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::clusters::locate;
use super::process::Call;
use crate::model::SecretRef;
use crate::port::{Fault, Secret, Secrets};
use crate::render::Mask;

/// How long a file or a command may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The largest secret, in bytes: that of a Kubernetes Secret.
const MOST: usize = 1024 * 1024;

/// Secrets of this host.
#[derive(Debug, Clone)]
pub struct LocalSecrets {
    root: PathBuf,
    home: Option<PathBuf>,
}

impl LocalSecrets {
    /// Relative paths count from `root`, the repository's root, and commands run there; `~/` is
    /// `home`.
    pub fn new(root: impl Into<PathBuf>, home: Option<PathBuf>) -> Self {
        Self { root: root.into(), home }
    }

    async fn file(&self, written: &str) -> Result<Vec<u8>, Fault> {
        let path = locate(&self.root, self.home.as_deref(), written)?;
        let wrong = |why: &str| Fault::permanent(format!("the secret's file `{written}` {why}"));
        let read = tokio::time::timeout(DEADLINE, read(&path)).await.map_err(|_| {
            Fault::transient(format!(
                "reading the secret's file `{written}` took more than {} s",
                DEADLINE.as_secs()
            ))
        })?;
        match read {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(wrong("does not exist")),
            Err(error) => Err(wrong(&format!("can't be read: {error}"))),
        }
    }

    async fn command(&self, words: &[String]) -> Result<Vec<u8>, Fault> {
        let Some((program, args)) = words.split_first() else {
            return Err(Fault::permanent("the secret's command is empty"));
        };
        let path = if program.contains('/') {
            locate(&self.root, self.home.as_deref(), program)?
        } else {
            program.into()
        };
        // Arguments are not named: people put things there.
        let named = |fault: Fault| {
            Fault::new(fault.class, format!("the secret's command `{program}`: {}", fault.message))
        };
        let answer =
            Call::new(path, DEADLINE).args(args).dir(&self.root).most(MOST).run().await.map_err(named)?;
        if answer.ok() {
            return Ok(answer.stdout);
        }
        let printed = String::from_utf8_lossy(&answer.stdout);
        let words = Mask::new([&*printed]).hide(&answer.words());
        Err(Fault::transient(format!("the secret's command `{program}` failed: {words}")))
    }
}

async fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use tokio::io::AsyncReadExt;
    if tokio::fs::metadata(path).await?.is_dir() {
        return Err(std::io::Error::other("it is a folder"));
    }
    let mut bytes = Vec::new();
    tokio::fs::File::open(path).await?.take(MOST as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// A value as it is used: text, without one newline at its end.
fn text(bytes: Vec<u8>, what: &str) -> Result<Secret, Fault> {
    if bytes.len() > MOST {
        return Err(Fault::permanent(format!("{what} has more than {MOST} bytes")));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Fault::permanent(format!("{what} is not UTF-8")));
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Fault::permanent(format!("{what} is empty")));
    }
    Ok(Secret::new(text))
}

#[async_trait]
impl Secrets for LocalSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, Fault> {
        match reference {
            SecretRef::Env(name) => {
                let what = format!("the secret's environment variable `{name}`");
                let sane = !name.is_empty() && !name.contains(['=', '\0']);
                let value = sane.then(|| std::env::var_os(name)).flatten();
                let Some(value) = value else {
                    return Err(Fault::permanent(format!("{what} is not set")));
                };
                text(value.into_encoded_bytes(), &what)
            }
            SecretRef::File(path) => text(self.file(path).await?, &format!("the secret's file `{path}`")),
            SecretRef::Exec(words) => {
                let program = words.first().map(String::as_str).unwrap_or_default();
                text(self.command(words).await?, &format!("what the secret's command `{program}` prints"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::FailureClass;

    fn exec(script: &str) -> SecretRef {
        SecretRef::Exec(vec!["sh".into(), "-c".into(), script.into()])
    }

    #[tokio::test]
    async fn a_secret_comes_from_a_file_a_command_or_a_variable_without_its_newline() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s"), "from file\n\n").unwrap();
        let secrets = LocalSecrets::new(folder.path(), Some(folder.path().to_owned()));
        let get = async |reference: SecretRef| secrets.resolve(&reference).await.unwrap().expose().to_owned();
        assert_eq!(get(SecretRef::File("s".into())).await, "from file\n");
        assert_eq!(get(SecretRef::File("~/s".into())).await, "from file\n");
        assert_eq!(get(exec("cat s; printf '\\r\\n'")).await, "from file\n\n");
        assert_eq!(get(exec("pwd")).await, folder.path().canonicalize().unwrap().to_str().unwrap());
        assert_eq!(get(SecretRef::Env("PATH".into())).await, std::env::var("PATH").unwrap());
    }

    #[tokio::test]
    async fn what_can_not_be_had_is_said_without_the_value() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bytes"), b"canary\xff").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        std::fs::write(folder.path().join("big"), "canary".repeat(MOST)).unwrap();
        let secrets = LocalSecrets::new(folder.path(), None);
        let cases = [
            (SecretRef::Env("TIDEGATE_NO_SUCH_VARIABLE".into()), "is not set"),
            (SecretRef::Env("A=B".into()), "is not set"),
            (SecretRef::File("gone".into()), "does not exist"),
            (SecretRef::File("bytes".into()), "is not UTF-8"),
            (SecretRef::File("empty".into()), "is empty"),
            (SecretRef::File("big".into()), "has more than"),
            (SecretRef::File(".".into()), "can't be read"),
            (SecretRef::File("~/x".into()), "no home folder"),
            (SecretRef::Exec(vec![]), "is empty"),
            (exec("true"), "is empty"),
            (exec("echo canary-half; echo locked: canary-half >&2; exit 3"), "failed: locked: ***"),
            (SecretRef::Exec(vec!["no-such-program-x".into(), "canary".into()]), "was not found"),
        ];
        for (reference, words) in cases {
            let fault = secrets.resolve(&reference).await.err().unwrap();
            assert!(fault.message.contains(words), "{fault}");
            assert!(!fault.message.contains("canary"), "{fault}");
        }
        let fault = secrets.resolve(&exec("exit 1")).await.err().unwrap();
        assert_eq!(fault.class, FailureClass::Transient);
    }
}
