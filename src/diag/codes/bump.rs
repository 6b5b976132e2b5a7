//! TG1050 and on: raising an upstream version in a product's folder.

codes! {
    BUMP_NOT_NAMED = "TG1050" "source-not-named"
        "Nothing in the product's folder names the source at that version."
        "Fields that hold a reference (`image: NAME:TAG`), images in parts (`repository` with `tag`), the \
         versions of charts, and keys that carry a tool's name are looked at. A mirror is named with \
         `--mirror MIRROR=UPSTREAM`, another field with `--field KIND:WAY`.";
    BUMP_AMBIGUOUS = "TG1051" "bump-ambiguous"
        "More than one source or version could be meant."
        "A product may have several sources, and name one of them at several versions. Nothing is guessed: \
         say the source (`--image`, `--chart`, `--tool`, `--addon`), or the version that it moves from (`--from`).";
    BUMP_ALREADY_THERE = "TG1052" "already-there"
        "The product names that version already."
        "Every field that names the source is at the version that was asked for, so nothing is written and \
         the product's version stays.";
    BUMP_LOWERS = "TG1053" "bump-lowers"
        "The version would go back."
        "A bump raises. Going back on purpose is said with `--lower`; what was stored by a newer version may \
         not be readable by an older one.";
    STALE_DIGEST = "TG1054" "stale-digest"
        "A digest of the old version would stay beside the new one."
        "Where a reference has a tag and a digest, the digest counts and the tag is only for people: the old \
         image would go on running under the new name. Say the new digest (`--digest sha256:...`), or take \
         digests out with `--drop-digest`.";
    BUMP_INCOMPARABLE = "TG1055" "versions-not-comparable"
        "Nobody can say how far it is from one version to the other."
        "Tags without numbers, and tags of different variants, have no order. Nothing says then which number \
         of the product's version rises, and whether it goes back: say the new version with \
         `--product-version`.";
    PRODUCT_VERSION_TAKEN = "TG1056" "product-version-taken"
        "The product's new version is not above the old one, or has a tag already."
        "A tag names one content for ever. Say a version that is higher than all of them with \
         `--product-version`.";
    CHART_CONTENT_STAYS = "TG1057" "chart-content-stays"
        "A chart's content lies in the folder, and a new number would not change it."
        "The templates and values of a chart are what its version names. Put the content of the new version \
         there first (`helm pull`, `helm dependency update`), and run the command again with `--from`; or \
         change the number alone with `--keep-content`.";
    BUMP_UNPROVED = "TG1058" "bump-unproved"
        "The outcome of a bump could not be proved."
        "After the edits the folder is read once more: each field has to name the new version, and nothing \
         else may have changed. Here it was otherwise, so nothing was written. Make the change by hand.";
    BUMP_OPTION_IDLE = "TG1059" "option-fits-nothing"
        "An option of the bump fits nothing in the product's folder."
        "A digest, a mirror or a field was said, and no place in the folder has one or is one. The rest of the \
         bump is done as it was asked. Look whether the option is mistyped: a mirror that fits nothing leaves \
         the copies at their old version.";
    NO_FORGE = "TG1060" "no-forge"
        "The remote is at no forge that is known."
        "A pull request is opened at the forge where the remote's repository lies: github.com, gitlab.com, or a \
         host of one's own. A host whose name does not tell which of the two it is needs `forge: github` or \
         `forge: gitlab` under `spec.hosts` of `pipelines/sources.yaml`. Another remote is named with `--remote`.";
    NO_FORGE_TOKEN = "TG1061" "no-forge-token"
        "The forge has to know who opens the pull request, and nobody told."
        "A token is taken from the environment: GITHUB_TOKEN or GH_TOKEN for GitHub (at a host of one's own \
         GH_ENTERPRISE_TOKEN), GITLAB_TOKEN for GitLab. These two names are for github.com and gitlab.com; another \
         host sees them if its own pipeline runs this, or if `pipelines/sources.yaml` names it with its `forge`. \
         The token may read and write pull requests there: for GitHub \
         the permission \"Pull requests: write\", for GitLab the scope `api`.";
    BRANCH_NOT_OURS = "TG1062" "branch-not-ours"
        "The branch of the bump holds commits of somebody else."
        "A bump's branch is written anew where its files have changed, but only where nothing is lost by that. \
         Here somebody worked on it: merge what is there, or delete the branch, and run the command again. \
         Nothing was pushed.";
    PUSH_REFUSED = "TG1063" "push-refused"
        "The remote did not take the branch."
        "A rule of the repository, a hook of the server or missing rights keep the branch out, or somebody pushed \
         to it in the same moment. The commit is made, but nothing names it: your branches, your index and your \
         working tree are as they were.";
    REQUEST_REFUSED = "TG1064" "request-refused"
        "The forge does not open the pull request."
        "It answered, and said no; its words are told. The branch is pushed. The same command run again goes on \
         from there: it pushes nothing twice.";
}
