//! TG05xx: git, releases and locks.

codes! {
    RELEASE_NOT_CUT = "TG0501" "release-not-cut"
        "A release has no lock."
        "Only a release that was cut is planned and rolled out: `tidegate release cut ID` reads the \
         tags of its product versions and writes commit and digest of each under `lock`.";
    LOCK_TAMPERED = "TG0502" "lock-tampered"
        "A release's lock does not belong to what the release says."
        "The lock's digest covers name, lane, parent, includes, removes, lowers, Kubernetes version \
         and the products with their digests. One of them was changed after the release was cut. \
         Bring the file back as it was (`git log -p releases/ID.yaml`), or write a new release.";
    LOCK_FORMAT = "TG0503" "lock-format"
        "A lock has a format that this version of tidegate does not know."
        "It was written by a newer tidegate, or by hand. Upgrade tidegate.";
    PARENT_NOT_CUT = "TG0504" "parent-not-cut"
        "The release that a release follows has no lock."
        "A release's digest covers its parent's, so parents are cut first.";
    ALREADY_CUT = "TG0505" "already-cut"
        "A release was cut before, with another content."
        "A release never changes once it is cut: clusters, tags and approvals refer to its digest. \
         Write a new release. If nobody has used this one yet, remove its `lock` and cut again.";
    LOWERS_SILENTLY = "TG0506" "lowers-silently"
        "A release has a lower version of a product than its parent."
        "Going back is often not tested and may not work. If it is meant, list the product under \
         `lowers`; plan and approval will name it.";
    REMOVES_WRONGLY = "TG0507" "removes-wrongly"
        "A release removes or lowers a product that it can't."
        "`removes` lists products that the parent has and this release has not; `lowers` lists \
         products of this release.";
    MISSES_HOTFIX = "TG0508" "misses-hotfix"
        "A release contains a hotfix and has a lower version of what the hotfix raised."
        "A release contains a hotfix that is its ancestor by `parent`, or is listed in `includes`. \
         Every product that the hotfix raised has to be at least as high in it.";
    BAD_HOTFIX = "TG0509" "bad-hotfix"
        "A hotfix breaks a rule of its lane."
        "A hotfix follows a parent, which runs in the first wave of the hotfix lane, and never moves \
         Kubernetes. `includes` lists hotfixes only.";
    RELEASE_CYCLE = "TG0510" "release-cycle"
        "A release is its own ancestor."
        "`parent` leads from each release to the one before it, and ends at one without a parent.";
    DROPS_PRODUCT = "TG0511" "drops-product"
        "A release leaves out a product of its parent."
        "It stays in the clusters and is reported as orphaned. List it under `removes` to take it \
         away, or keep it.";
    DIRTY_TREE = "TG0512" "dirty-tree"
        "Files differ from what is committed."
        "What is tagged and cut has to be in git, where others find it. Commit, stash or remove the \
         files that the finding lists.";
    MISSING_TAG = "TG0513" "missing-tag"
        "A product version has no tag."
        "The tag NAME/vVERSION says which commit holds a version's content. `tidegate product tag \
         NAME` makes it from what is committed. In a fresh clone, `git fetch --tags` brings those \
         that were pushed.";
    FOREIGN_TAG = "TG0514" "foreign-tag"
        "A product's tag does not name that product version's content."
        "The tag is annotated by `tidegate product tag` with the product digest; here it is missing, \
         or the commit's content has another digest, name or version. Somebody made or moved the tag \
         by hand.";
    VERSION_REUSED = "TG0515" "version-reused"
        "One version of a product has two contents."
        "A version is immutable: locks, pins and clusters refer to its digest. Raise `spec.version` \
         of the product with every change that is to be released.";
    NOT_COMMITTED = "TG0516" "not-committed"
        "Something is not in the commit."
        "The content of products and releases is read from git. Commit the file first.";
    EXPIRY_PASSED = "TG0517" "expiry-passed"
        "A pin, a freeze or a deferral would be over before it begins."
        "Each has an end in the future: of a pin, its clusters get the release's version again then; \
         of a freeze, they may change again; of a deferral, newer versions count again.";
    UNKNOWN_PIN = "TG0518" "unknown-pin"
        "There is no pin with this id."
        "Pins are the files under `pipelines/pins/`; `tidegate pin list` shows them.";
    PIN_EXISTS = "TG0519" "pin-exists"
        "A pin with this id is there already."
        "Choose another id, or leave it out: the next free one is taken.";
    EMPTY_RELEASE = "TG0520" "empty-release"
        "A release has no products."
        "Nothing would be rolled out. List products with their versions under `spec.products`.";
    UNKNOWN_FREEZE = "TG0540" "unknown-freeze"
        "There is no freeze with this name."
        "Freezes are listed under `spec.freezes` in `pipelines/calendar.yaml`; `tidegate freeze list` \
         shows them.";
    FREEZE_EXISTS = "TG0541" "freeze-exists"
        "A window or a freeze with this name is there already."
        "Choose another name, or leave it out: the next free `freeze-N` is taken.";
    MISSING_HOTFIX = "TG0521" "missing-hotfix"
        "A release follows one that was mended by a hotfix, and does not contain the hotfix."
        "A cluster that runs a hotfix does not take a release that lacks it: the pool that it is in \
         waits. Before the release is cut, list the hotfix under `includes` and raise what it raised. \
         After that, write a release that follows it and includes the hotfix: `tidegate release hotfix \
         RELEASE --include HOTFIX --lane normal`.";
    RAISES_NOTHING = "TG0522" "raises-nothing"
        "A hotfix was asked for that raises nothing, or lowers something."
        "A hotfix has all that its parent has, some of it in higher versions. To go back to an earlier \
         version, write a release with `lowers`.";
    RELEASE_EXISTS = "TG0523" "release-exists"
        "A release with this id is there already."
        "A release never changes once it is cut. Choose another id, or leave it out: the next free one \
         is taken.";
    IMAGE_UNRESOLVED = "TG0524" "image-unresolved"
        "The digest of an image can't be asked for."
        "`release cut --resolve-images` asks registries what each tag names, so every reference has to \
         name an image: REGISTRY/NAME:TAG. Nothing was written.";
    IMAGE_WITHOUT_TAG = "TG0525" "image-without-tag"
        "An image has no tag where a product names it."
        "The chart or the operator that reads it puts a tag behind it, and which one is not known here. \
         The lock has no digest for it, and clusters get what that tag names. Say the tag in the values.";
    IMAGES_NOT_FIXED = "TG0526" "images-not-fixed"
        "A release has no digests of images, and the one that it follows has."
        "A lock of format 2 fixes what tags name; clusters get that, wherever and whenever. A release \
         without them after one that has them puts tags back into the clusters, which is told. A hotfix \
         keeps the digests of its parent; an image that is new in it stops the cut. Cut it with \
         `--resolve-images`.";
}
