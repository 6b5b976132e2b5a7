//! `init`: a small platform to begin with.

use std::path::{Path, PathBuf};

use super::Context;
use crate::adapter::fresh::{self, Unwritten};
use crate::adapter::git::GitCli;
use crate::cli::args::Init;
use crate::cli::failure::{Failure, Outcome};
use crate::diag::{Finding, codes};
use crate::engine::repo::starting_platform;
use crate::output::exit::Code;
use crate::output::screens::InitScreen;
use crate::report::word;

/// Writes the files into a folder that has none of them.
pub async fn run(args: &Init, context: &Context<'_>) -> Outcome {
    let named = args.folder.clone().or_else(|| context.place.globals().repo.clone());
    let folder = named.clone().unwrap_or_else(|| PathBuf::from("."));
    let repository = repository_of(&folder).await?;
    let tree = starting_platform();
    let shown = named.as_deref().unwrap_or_else(|| Path::new("this folder")).display().to_string();
    fresh::place(&folder, &tree).map_err(|error| unwritten(&folder, &error))?;

    let mut files: Vec<String> = tree.iter().map(|(path, _)| path.to_owned()).collect();
    files.sort_by_key(|path| path.starts_with('.'));
    let mut steps: Vec<String> =
        named.iter().map(|folder| format!("cd {}", word(&folder.display().to_string()))).collect();
    if repository.is_none() {
        steps.push("git init".to_owned());
    }
    steps.push("git add --all && git commit -m \"platform: hello\" && tidegate check".to_owned());
    let screen = InitScreen { folder: shown, files, next: steps.join(" && ") };
    context.surface.show(&screen, context.place.now(), &[], [Code::Done]);
    Ok(vec![Code::Done])
}

/// The repository whose root the folder is; none if it lies in no repository yet.
async fn repository_of(folder: &Path) -> Result<Option<GitCli>, Failure> {
    let Some(there) = folder.ancestors().find(|path| path.is_dir()).or_else(|| {
        // The last ancestor of a relative path is the empty one: the current folder.
        folder.is_relative().then(|| Path::new("."))
    }) else {
        return Ok(None);
    };
    let Ok(git) = GitCli::discover(there).await else { return Ok(None) };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if there == folder && real(git.root()) == real(folder) {
        return Ok(Some(git));
    }
    let root = git.root().display();
    let message = format!("`{}` lies in the repository `{root}`, and is not its root", folder.display());
    Err(Failure::new(
        Code::Conflict,
        Finding::error(&codes::FOLDER_TAKEN, message)
            .hint("products/, releases/ and pipelines/ are read from the root of a repository")
            .next(format!("tidegate init {}", word(&git.root().display().to_string()))),
    ))
}

fn unwritten(folder: &Path, error: &Unwritten) -> Failure {
    match error {
        Unwritten::Taken(name) => Failure::new(
            Code::Conflict,
            Finding::error(
                &codes::FOLDER_TAKEN,
                format!("`{}` has a `{name}` already; nothing was written", folder.display()),
            )
            .hint("or begin in a folder of its own: `tidegate init DIR`")
            .next("tidegate check"),
        ),
        Unwritten::Failed { .. } => {
            Failure::new(Code::Invalid, Finding::error(&codes::FILE_UNWRITABLE, error.to_string()))
        }
    }
}
