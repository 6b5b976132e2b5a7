//! TG030x to TG034x: who gets what, and pins.

codes! {
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
}
