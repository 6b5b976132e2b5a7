//! TG01xx: the kinds (Product, Release, Fleet, Pipeline, Pin, Calendar, Support) and their fields.

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
    WRONG_KIND = "TG0106" "wrong-kind"
        "A file's `apiVersion` or `kind` is not the one that belongs to its place."
        "Every file of ours says `apiVersion: tidegate.dev/v1`, and the folder decides the kind: \
         `products/NAME/product.yaml` is a Product, `releases/ID.yaml` a Release, \
         `pipelines/fleet.yaml` the Fleet, `pipelines/calendar.yaml` the Calendar, \
         `pipelines/sources.yaml` the Sources, `pipelines/support.yaml` the Support, \
         `pipelines/pins/ID.yaml` a Pin, `pipelines/acceptances/ID.yaml` an Acceptance, \
         `pipelines/deferrals/ID.yaml` a Deferral, and every other `pipelines/NAME.yaml` a Pipeline.";
    EMPTY_VALUE = "TG0107" "empty-value"
        "A value that people rely on is empty."
        "An owner, a reason or a command with nothing in it satisfies the parser and helps nobody. \
         Fill it in, or leave the whole entry out where it is optional.";
    LITERAL_SECRET = "TG0108" "literal-secret"
        "A secret stands in a file."
        "A literal under a key such as `password`, `token`, `apiKey` or `privateKey`, an environment \
         variable named like one, or a Kubernetes Secret with literal data. Files are copied, diffed \
         and kept for ever by git, so `release cut`, `plan` and `pin add` stop. Write a reference in \
         its place: `{secretRef: {env: NAME}}`, `{secretRef: {file: PATH}}` or `{secretRef: {exec: \
         [PROGRAM, ARGUMENT]}}`; it is resolved when the product is deployed and never stored. If the \
         value only names a Secret, call the key so: `secretName`, `existingSecret`.";
    BAD_SECRET_REF = "TG0109" "bad-secret-ref"
        "A `secretRef` is not a reference to a secret."
        "A reference is a mapping with the one key `secretRef`, whose value is a mapping with exactly \
         one of `env` (an environment variable of the driver), `file` (a path) or `exec` (a list: \
         program and arguments, whose standard output is the secret).";
    CONTRADICTION = "TG0110" "contradiction"
        "Two fields of a file exclude each other, or one is missing that the other needs."
        "Taking one of the two in silence would surprise whoever wrote the other. The finding names \
         both; keep one.";
    DUPLICATE_NAME = "TG0111" "duplicate-name"
        "Two things of one kind have the same name."
        "Names are how files, commands, events and tags refer to things, so each stands for one \
         thing. Rename one of the two, or remove it if it is a copy.";
    BAD_FIELD_FORM = "TG0112" "bad-field-form"
        "A text has not the form that its field needs."
        "Labels follow the syntax of Kubernetes labels, namespaces that of DNS labels, API versions \
         are `GROUP/VERSION`, commits are 40 or 64 hexadecimal digits, repositories have their \
         scheme. The finding says which form was expected.";
}
