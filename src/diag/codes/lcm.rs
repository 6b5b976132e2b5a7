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
    SOURCE_MISSING = "TG1007" "source-missing"
        "The source says that there is no such thing."
        "A registry, a repository of charts or a forge answered, and does not have what was asked for: the \
         name is wrong, it has moved, or only those who are logged in may know of it.";
    SOURCE_FORBIDDEN = "TG1008" "source-forbidden"
        "The source wants credentials, or others than it got."
        "Credentials are taken from the files of docker and podman, with their helpers and stores. \
         `docker login HOST` writes them.";
    SOURCE_UNREACHABLE = "TG1009" "source-unreachable"
        "The source did not answer in the time there was."
        "Nothing came, only errors of the server, or the wish to be asked later. Whoever asks again asks \
         less: what did not change is not sent again.";
    SOURCE_UNUSABLE = "TG1010" "source-unusable"
        "The source answered something that can't be used."
        "What came is not what was asked for: no JSON, cut off, paging that goes in circles, more than this \
         program is willing to read, or a way to where no answer may lead. Nothing was taken from it.";
    ACCEPTANCE_EXISTS = "TG1095" "acceptance-exists"
        "There is an acceptance with this id already."
        "`tidegate lcm accept` writes `pipelines/acceptances/ID.yaml`, and never over a file. Leave out `--id` \
         to get the next free one, or edit the file that is there. Nothing was written.";
    IMPORT_TAKEN = "TG1090" "import-taken"
        "A config can't be imported over something that is there."
        "`tidegate lcm import` writes a product of its own, and never over a file. Name another product with \
         `--product`, or move away what is there. Nothing was written.";
}
