//! TG10xx: what is newer.

codes! {
    NO_TAGS = "TG1001" "no-tags"
        "Nothing is published."
        "An empty list of tags is no sign of being up to date: the repository may have moved, or those \
         who asked may not see it. Look whether the name is right and the tags are visible.";
    NO_VALID_VERSION = "TG1002" "no-valid-version"
        "Nothing that is published is a version in this scheme."
        "Tags are read by the scheme that was named, and none is ever guessed. `tidegate lcm pick --help` \
         lists the schemes; `--extract` and `--replace` say which part of a tag is its version.";
    NO_VALID_DATE = "TG1003" "no-valid-date"
        "Nothing that is published is a moment in this layout."
        "The scheme `date` reads tags by a layout of strptime, such as `%Y%m%d`; `--extract` says which \
         part of a tag is the date.";
    UNVERSIONED = "TG1004" "unversioned"
        "The current tag has no version, and is not published."
        "A tag without a number, such as `latest`, says nothing about what is newer. Name the version \
         that runs, or the digest.";
    MOVING_TAG = "TG1005" "moving-tag"
        "The current tag has no version: only its digest tells whether it has moved."
        "A tag without a number, such as `latest`, names something else each time it is pushed. Name it \
         with the digest that runs (`latest@sha256:...`), and the tags with theirs.";
    CURRENT_MISSING_UPSTREAM = "TG1006" "current-missing-upstream"
        "The current tag is not published any more, and nothing newer is."
        "What runs can't be pulled again: a node that is replaced would not get it. The newest tag of its \
         kind is named, if there is one.";
}
