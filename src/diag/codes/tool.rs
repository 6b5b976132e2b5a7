//! TG09xx: the tool and its environment.

codes! {
    UNEXPECTED = "TG0901" "unexpected"
        "Something happened that nobody expected."
        "This is a mistake in tidegate. Nothing is lost: what was done stands in the journal, whose \
         position is printed, and running the command again goes on from there. Please report it \
         with what was printed.";
    UNKNOWN_CODE = "TG0902" "unknown-code"
        "There is no such code."
        "Codes are `TG` and four digits, or a name such as `unknown-field`. `tidegate explain` \
         without a code lists them all.";
    NO_REPOSITORY = "TG0903" "no-repository"
        "There is no repository where one was looked for."
        "tidegate reads products/, releases/ and pipelines/ from a git repository: the current \
         folder's, or the one that `--repo` or `TIDEGATE_REPO` names.";
    NO_STATE_FOLDER = "TG0904" "no-state-folder"
        "No place for the journal was found."
        "The journal lies in your state folder (`$XDG_STATE_HOME`, else `~/.local/state`), one for \
         each repository. Without a home folder name a file with `--journal` or `TIDEGATE_JOURNAL`.";
    FILE_UNREADABLE = "TG0905" "file-unreadable"
        "A file can't be read."
        "The message of the operating system says why: it is not there, or you may not read it.";
    FILE_UNWRITABLE = "TG0906" "file-unwritable"
        "A file can't be written."
        "The message of the operating system says why. Nothing was changed. Only where it is standard \
         output that can't be written (exit code 1), what the command did stays done: look before you \
         run it again.";
    NOT_A_PLAN = "TG0907" "not-a-plan"
        "A file is not a plan, or of another format."
        "`tidegate plan RELEASE --out FILE` writes plans. A plan that a newer tidegate wrote may \
         have a format that this one does not know: make it again.";
    NO_SUCH_ROLLOUT = "TG0908" "no-such-rollout"
        "The journal knows no such rollout."
        "A rollout is named by its id (`R42-1`), or by its release for the newest one. `tidegate \
         rollout list` shows those of this journal; another journal is named with `--journal`.";
    OUTSIDE = "TG0909" "outside"
        "Something outside of tidegate failed."
        "A program, a server or the file system did not do what was asked. The message says which, \
         and what it answered.";
    NO_SUCH_THING = "TG0910" "no-such-thing"
        "There is nothing of this name."
        "The name was looked for in the files of the repository (or in the plan) and is not there.";
    NOT_CONFIRMED = "TG0911" "not-confirmed"
        "A question was not answered with yes."
        "Questions are only asked at a terminal. Elsewhere `--yes` confirms; it never passes a gate.";
    PLAN_STALE = "TG0912" "plan-stale"
        "What a plan froze has changed since it was made."
        "A plan fixes membership, order, versions, values, pins, caps, budgets and gates. When one of \
         them changes before the start, the plan no longer says what would happen: make it again. \
         What the clusters run may move; each attempt looks again.";
    RENDERS_WRONG = "TG0913" "renders-wrong"
        "What a plan would apply can't be rendered, or has two owners."
        "`plan --render` renders every product for every cluster from its locked content, and every \
         object must have one product that owns it. The message names cluster, product and file.";
    FOLDER_TAKEN = "TG0914" "folder-taken"
        "A platform can't begin in this folder."
        "`tidegate init` writes products/, releases/, pipelines/ and .tidegate/ into the root of a \
         repository, and never over something that is there. Name another folder, or go on with \
         what this one has: `tidegate check` says what it is. Nothing was written.";
    USAGE = "TG0915" "usage"
        "The command line can't be understood."
        "A flag, a value or a command is not one that tidegate knows. The message says which; \
         `tidegate help COMMAND` lists what there is.";
}
