//! TG00xx: files and YAML.

codes! {
    NOT_UTF8 = "TG0001" "not-utf8"
        "A file is not UTF-8."
        "Every file is read as UTF-8. The place is the first byte that is not. Editors on Windows \
         may have saved it as Windows-1252 or UTF-16: save it again as UTF-8.";
    FILE_TOO_LARGE = "TG0002" "file-too-large"
        "A file is larger than any file of this kind should be."
        "Files above 64 MiB are not read, so that a wrong path or a broken generator does not fill \
         the memory. Split the file.";
    YAML_SYNTAX = "TG0003" "yaml-syntax"
        "The text is not YAML."
        "The parser stops at the first place it cannot understand; what follows is read after this \
         is mended. Frequent causes: a tab in the indentation, a missing space after a colon, a \
         quote that is not closed, a value that starts with `{`, `*`, `&`, `!`, `%`, `@` or a \
         backtick and is not quoted.";
    DUPLICATE_KEY = "TG0004" "duplicate-key"
        "A mapping has the same key twice."
        "YAML forbids it, and parsers that allow it keep one of the two without a word. Remove one, \
         or merge the two.";
    YAML_BUDGET = "TG0005" "yaml-budget"
        "The YAML is nested too deeply, or its aliases expand to too much."
        "A short file can expand to gigabytes through anchors and aliases, or exhaust the stack by \
         nesting. The limits are far above what people write: 100 levels, a million values, and \
         64 MiB of text after expansion.";
    ONE_DOCUMENT = "TG0006" "one-document"
        "A file has more than one YAML document."
        "Files of apiVersion tidegate.dev/v1 hold one object each. Move what stands after `---` to \
         a file of its own. Kubernetes manifests of products may hold many.";
    UNSUPPORTED_KEY = "TG0007" "unsupported-key"
        "A key of a mapping is not text."
        "Keys are names. A list, a mapping or nothing as a key (`? [a, b]`, `~: x`) has no meaning \
         here, and JSON has no such thing. Numbers, booleans and dates as keys are taken as text.";
    UNSUPPORTED_VALUE = "TG0008" "unsupported-value"
        "A value has no form in JSON, or its tag contradicts it."
        "Kubernetes turns YAML into JSON, which has no infinity and no NaN; and a tag such as \
         `!!int` has to fit its value. Quote the value if it is meant as text.";
    BAD_MERGE = "TG0009" "bad-merge"
        "A merge key (`<<`) is given something that is not a mapping."
        "`<<: *anchor` takes the fields of a mapping, or of a list of mappings, that were given an \
         anchor before.";
    NOT_AN_OBJECT = "TG0010" "not-an-object"
        "A document of a manifest file is not a Kubernetes object."
        "Each document is a mapping with `apiVersion` and `kind`. A list of objects is written as \
         several documents, or as an object of kind `List`.";
    EDIT_REFUSED = "TG0011" "edit-refused"
        "A file could not be edited without changing more than was intended."
        "Files are edited in place so that comments and order stay. After the edit the file is read \
         again and compared; here more than the intended value would have changed, so nothing was \
         written. Make the change by hand.";
}
