//! TG01xx: the kinds (Product, Release, Fleet, Pipeline, Pin, Calendar) and their fields.

codes! {
    UNKNOWN_FIELD = "TG0101" "unknown-field"
        "A field is not known here."
        "A misspelled field would otherwise be ignored without a word. The fields that are known at \
         this place are in `tidegate schema get KIND`.";
    WRONG_TYPE = "TG0102" "wrong-type"
        "A value has another type than its field."
        "Text that looks like a number, a boolean or nothing (`1.10`, `yes`, `~`) has to be quoted \
         where text is expected; numbers must not be quoted where a number is expected.";
    MISSING_FIELD = "TG0103" "missing-field"
        "A required field is missing."
        "The place is the mapping that lacks the field. `tidegate schema get KIND` lists the \
         required fields.";
    UNKNOWN_VALUE = "TG0104" "unknown-value"
        "A value is none of those that are possible here."
        "The field takes one of a few names; the finding lists them.";
    INVALID_VALUE = "TG0105" "invalid-value"
        "A value breaks the rule of its field."
        "The value has the right type, but not the form that names, versions, ranges, durations or \
         digests have; the finding says which rule it breaks.";
}
