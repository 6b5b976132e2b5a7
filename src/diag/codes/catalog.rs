//! TG02xx: the catalog of a repository, and references between its files.

codes! {
    NAME_IS_NOT_FILE = "TG0201" "name-is-not-file"
        "The name in a file is not the name of the file or folder."
        "A product is found by its folder and everything else by its file, so both names are one. \
         Rename the file (the folder), or change `metadata.name`.";
    RESERVED_NAME = "TG0202" "reserved-name"
        "A product has a name that is taken."
        "`kubernetes` is the product without a folder whose version is `release.kubernetes`, and \
         `release` begins the names of git tags. Rename the product; the Kubernetes versions on which \
         a product works are in `spec.kubernetes`.";
    UNKNOWN_PRODUCT = "TG0203" "unknown-product"
        "A product is named that there is not."
        "Products are the folders under `products/`, and for a release or pin also what it locked. A \
         misspelled name would otherwise configure, exclude or require nothing.";
    UNKNOWN_CLUSTER = "TG0204" "unknown-cluster"
        "A cluster is named that is not in the fleet."
        "Clusters are those listed in `pipelines/fleet.yaml`, and those of its source. A misspelled \
         name would leave the cluster that was meant out.";
    UNKNOWN_WAVE = "TG0205" "unknown-wave"
        "A wave is named that there is not."
        "A lane is a list of names of waves of the same pipeline. A window or a freeze names waves of \
         any pipeline; a misspelled name would leave the wave that was meant open.";
    UNKNOWN_RELEASE = "TG0206" "unknown-release"
        "A release is named that there is not."
        "Releases are the files under `releases/`. The file of a parent stays there as long as a \
         release that follows it is used: the lock's digest covers the parent's.";
    DEPENDENCY_CYCLE = "TG0207" "dependency-cycle"
        "Products require each other in a circle."
        "`requires` decides in which order products go to a cluster, and a circle has no order. The \
         finding shows the whole circle, each edge at its line: remove one of them, or move what both \
         sides need to a product of its own.";
    UNSATISFIED_REQUIRES = "TG0208" "unsatisfied-requires"
        "A product requires another one in a version that is not there."
        "The set of products has the other product in a version outside the range, or not at all. \
         The finding names both sides: raise the one, or widen the range of the other.";
    MISSING_FILE = "TG0209" "missing-file"
        "A file or folder is named that is not there."
        "Deploy steps and tests name files in the product's folder, with paths from that folder. What \
         is missing here would fail in a cluster, after other steps have run.";
    PATH_OUTSIDE = "TG0210" "path-outside"
        "A path leads out of the product's folder."
        "The product's folder is what its digest covers and what is laid out for scripts. Paths are \
         relative, with `/`, without `.` and `..`. Move the file into the folder.";
    NOT_EXECUTABLE = "TG0211" "not-executable"
        "A command is a file of the product that may not be executed."
        "A program with a slash in its name is a file in the product's folder, and is started as it \
         is: `chmod +x PATH`. Git keeps the bit; where the file system has none, \
         `git update-index --chmod=+x PATH` sets it.";
    STRAY_FILE = "TG0212" "stray-file"
        "A file lies where it is not read."
        "Only `*.yaml` is read in `releases`, `pipelines` and `pipelines/pins`, and only folders with \
         a `product.yaml` in `products`. A file with another ending is usually a slip.";
    PRODUCT_WITHOUT_TESTS = "TG0213" "product-without-tests"
        "A product has no tests."
        "A wave with `tests: all` proves nothing about it, and gates that ask for tests have nothing \
         to go by. Even a script that asks the product for its version helps.";
    IMAGE_WITHOUT_DIGEST = "TG0214" "image-without-digest"
        "An image is named by a tag without a digest."
        "A tag can be moved after the release was cut, and clusters that pull later run something \
         else. Write `NAME:TAG@sha256:...`; the tag stays for people.";
    UNKNOWN_VALUE_KEY = "TG0215" "unknown-value-key"
        "A value is set that neither the product's defaults nor its schema know."
        "A misspelled key would otherwise change nothing without a word. Add the key to the product's \
         `values` or `valuesSchema` if it is meant; an empty mapping among the defaults takes any \
         keys.";
    BAD_VALUES_SCHEMA = "TG0216" "bad-values-schema"
        "A product's `valuesSchema` is not a JSON Schema (draft-07)."
        "The finding says at which keyword it fails. Schemas elsewhere (`$ref` to an address) are not \
         fetched.";
    VALUES_BREAK_SCHEMA = "TG0217" "values-break-schema"
        "Values do not satisfy the product's `valuesSchema`."
        "Defaults, and defaults with what the Fleet file sets over them, are checked. References to \
         secrets are taken for fitting.";
    CONFLICTING_PINS = "TG0218" "conflicting-pins"
        "Two pins give one cluster versions of the same product."
        "Neither of them can win without somebody being surprised. Narrow one of the two, or remove \
         it: `tidegate pin remove ID`.";
    CLUSTER_IN_TWO_WAVES = "TG0219" "cluster-in-two-waves"
        "A cluster is taken by two waves, or by two pools of a wave."
        "Each cluster gets a release once, so the waves of a lane and the pools of a wave share no \
         cluster. Narrow one of the two selectors.";
    CLUSTER_IN_NO_WAVE = "TG0220" "cluster-in-no-wave"
        "A cluster is taken by no wave, or by no pool of its wave."
        "It would never get a release. Widen a selector; or say `unassigned: exclude` in the pipeline \
         if the clusters that no wave takes are to stay out.";
    ONE_CLUSTER_TWICE = "TG0221" "one-cluster-twice"
        "Two clusters are reached by the same context of the same file."
        "They are one cluster with two names, and a rollout refuses that when it meets the same \
         identity twice. Remove one of the two.";
    NOT_ONE_JOB = "TG0222" "not-one-job"
        "The manifest of a test is not exactly one Job."
        "A test of kind `job` is passed when its Job completes. What the Job needs beside it is \
         deployed by a step of the product.";
    EMPTY_SOURCE = "TG0223" "empty-source"
        "The fleet's source lists no cluster, or misses many that it had."
        "A source that fails or answers short is taken for an error and never for clusters that left: \
         more than a tenth, and more than two, may not be missing at once. Remove clusters on purpose \
         in smaller steps, or list them in the file.";
    EMPTY_FLEET = "TG0224" "empty-fleet"
        "The fleet has no clusters and no source."
        "Nothing can be planned. List clusters under `spec.clusters`, or name a `spec.source`.";
    UNFIT_KUBERNETES = "TG0225" "unfit-kubernetes"
        "A product does not work on the release's Kubernetes version."
        "The product's `kubernetes` range leaves the release's version out. A minor alone (`1.36`) \
         counts as its first patch. Raise the product, or keep the Kubernetes version.";
    UNFIT_FILE = "TG0226" "unfit-file"
        "A file of a product can't be part of its content."
        "A product's content is an archive of plain files with plain names of at most 255 bytes, so \
         that its digest is the same everywhere. Pointers of Git LFS stand for a file that is \
         elsewhere; symbolic links and submodules do, too. Put the file itself there.";
    EMPTY_WINDOW = "TG0240" "empty-window"
        "A window or a freeze is over before it begins."
        "It would never hold. The end lies behind the beginning; a day as the end means the end of \
         that day, in the entry's time zone.";
    OVERLAPPING_WINDOW = "TG0241" "overlapping-window"
        "A recurring window begins again before it ends."
        "Its length (`for`) is longer than the time from one beginning to the next, which is a slip \
         of the pen more often than not. Make it shorter, or let it begin less often.";
    ENDLESS_WINDOW = "TG0242" "endless-window"
        "A recurring window never ends."
        "It begins again at the latest when it ends, so it holds always. A deny that holds always is \
         `atOnce: 0`; an allow that holds always says nothing.";
}
