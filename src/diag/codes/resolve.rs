//! TG030x to TG034x: who gets what, and pins.

codes! {
    VALUES_NOT_JSON = "TG0302" "values-not-json"
        "The effective values have no form in JSON."
        "Values are digested as canonical JSON, which has no infinity and no NaN. Write such a \
         number as text and let the template turn it into what the program expects.";
    CONTENT_ABSENT = "TG0307" "content-absent"
        "The content of a product version was not found."
        "What is applied comes from git objects, found by the commit that the lock, the pin or the \
         cluster's record names, else by the tag `NAME/vVERSION`. A shallow clone or a clone without \
         tags may lack both: fetch them.";
    UNKNOWN_LABEL = "TG0311" "unknown-label"
        "A label is named that no cluster has."
        "A selector with it selects nothing. Labels are what clusters carry in the Fleet file, or as \
         their source lists them.";
    UNKNOWN_LABEL_VALUE = "TG0312" "unknown-label-value"
        "A label value is named that no cluster has."
        "A selector with it selects fewer clusters than it seems to, or none. The finding lists the \
         values that the label has in this fleet.";
    SELECTS_NOTHING = "TG0313" "selects-nothing"
        "A selector selects no cluster."
        "Each label and value exists, and no cluster has all of them. An empty wave is skipped with \
         its gates and its soak.";
    PIN_ENDED = "TG0321" "pin-ended"
        "A pin has ended; its clusters get the release's version again."
        "Every pin has an end. With the next plan after it, its clusters rejoin the others, also when \
         that lowers the product. To keep the version longer, add a pin with a later end; otherwise \
         remove the file.";
    PIN_BLOCKS = "TG0322" "pin-blocks"
        "A pin with `onExpiry: block` has ended; its clusters take no release until somebody chooses."
        "Its clusters keep the pinned version, and a rollout that plans them is blocked there before \
         any write. Extend the pin, or remove it so that they rejoin, and plan again; or skip the \
         clusters in the rollout.";
    PIN_WITHOUT_PRODUCT = "TG0323" "pin-without-product"
        "A pin holds a product that the release does not have."
        "A pin chooses another version of a product that the release brings; it does not add a \
         product. If the product was taken out of the release on purpose, the pin can go.";
    PIN_BELOW_RUNNING = "TG0324" "pin-below-running"
        "A pin names a lower version than the one that runs."
        "A plan lowers a product only when the higher version came from a pin that ended, or when the \
         release lists the product under `lowers`, since going back is where data gets lost. The \
         version that runs there stays.";
    PIN_ENDS_SOON = "TG0325" "pin-ends-soon"
        "A pin ends within 14, 7 or 1 days."
        "After it, its clusters rejoin with the next plan, or are blocked if the pin says so. Its owner \
         extends it, or removes it when the cluster is ready.";
    PIN_TOO_OLD = "TG0326" "pin-too-old"
        "A pin would become older than its clusters allow."
        "`pinMaxAge` of an environment or a pool in the Fleet file limits the time from `created` to \
         `expires`, so that a pin can't be extended for ever. Let the clusters rejoin, or raise the limit \
         where people agree to it.";
}
