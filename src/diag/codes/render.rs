//! TG04xx: rendering.

codes! {
    TEMPLATE_SYNTAX = "TG0401" "template-syntax"
        "A template can't be read."
        "Only files named `*.yaml.j2` (or `*.yml.j2`, `*.json.j2`) are templates; their language is \
         that of Jinja2, as minijinja speaks it. Braces that are meant as text stand in a file \
         without `.j2`, or between `{% raw %}` and `{% endraw %}`.";
    TEMPLATE_UNDEFINED = "TG0402" "template-undefined"
        "A template uses something that does not exist."
        "A template sees `values` (the product's effective values), `cluster` (`name`, `labels`, \
         `provider`), `kubernetes` (such as `1.36`) and `product` (`name`, `version`). A name that \
         is not there is an error and never an empty text, so that a slip of the pen does not \
         reach a cluster. What may be absent is written `values.x is defined` or \
         `values.x | default(\"y\")`.";
    TEMPLATE_FAILED = "TG0403" "template-failed"
        "A template could not be rendered."
        "The expression at this place does not work with the values that this cluster gets, or a \
         file that it includes is not in the product's folder.";
    TEMPLATE_LIMIT = "TG0404" "template-limit"
        "A template takes too long or writes too much."
        "A template may execute two million instructions and write 16 MiB. Both are far above what \
         manifests need; a loop probably runs over more than was meant.";
    NO_MANIFESTS = "TG0405" "no-manifests"
        "A path of a step holds no manifests."
        "A `manifests` step names a file, or a folder that is read recursively in byte order of \
         paths. Files that end in `.yaml`, `.yml` and `.json` are taken as they are, those that end \
         in `.yaml.j2`, `.yml.j2` and `.json.j2` are rendered; all others are left alone.";
    OBJECT_WITHOUT_NAME = "TG0406" "object-without-name"
        "An object has no name."
        "Objects are applied, counted and taken away by their name. An object with `generateName` \
         would be a new one at every run.";
    DUPLICATE_OBJECT = "TG0407" "duplicate-object"
        "A product renders the same object twice."
        "Group, kind, namespace and name say which object is meant. Of two with the same the later \
         would overwrite the earlier in every run. Remove one, or give it another name.";
    OBJECT_NAME = "TG0408" "object-name"
        "An object's name can't be part of a path."
        "An API server reaches every object by a path in which its name is one part. A name that is \
         `.` or `..`, or holds `/` or `%`, would lead to something else, and the server refuses it \
         for objects of every kind.";
    OBJECT_TEXT = "TG0409" "object-text"
        "A ConfigMap or a Secret holds something that is not text."
        "The values of `data` and `stringData` are texts: put numbers, `true` and the like in quotes, \
         and write lists and mappings as one text. In the `data` of a Secret and the `binaryData` of \
         a ConfigMap they are base64; `stringData` takes a Secret's values as they are.";
    CHART_UNSTABLE = "TG0410" "chart-unstable"
        "A chart's template uses a function whose result changes from run to run."
        "A chart is rendered for the plan, for every preflight and for every comparison, and the \
         same inputs have to give the same objects: passwords and certificates made by a template \
         would be new ones each time, and times and random names would look like changes. `lookup` \
         sees no cluster when a chart is rendered and is always empty. Make the value outside and \
         hand it in (`secretRef` for secrets), or remove the call from the copy of the chart in the \
         product's folder.";
    CHART_HOOK = "TG0411" "chart-hook"
        "A chart has hooks for install or upgrade."
        "Helm runs hooks at moments of its own; here a chart is rendered and applied like \
         manifests, and a hook would silently not run. Move what it does into a `run` step or a \
         test of the product, or make it an ordinary object. Hooks for test, delete and rollback \
         are left out without a word.";
    CHART_RELEASE_STATE = "TG0412" "chart-release-state"
        "A chart asks whether this is an install or an upgrade."
        "`.Release.IsInstall`, `.Release.IsUpgrade` and `.Release.Revision` are about the history of \
         a Helm release, which does not exist here: a chart is rendered the same way every time. \
         Make it a value of the chart.";
    CHART_BROKEN = "TG0413" "chart-broken"
        "A chart can't be read."
        "A chart is a folder with `Chart.yaml` and `templates/`; charts that it depends on lie \
         in its `charts/` as folders or as `.tgz` archives, made by `helm dependency build`.";
    HELM_OUTPUT = "TG0414" "helm-output"
        "What a chart renders to is not a list of Kubernetes objects."
        "The template at this place gives text that is not YAML, or not an object, with the values \
         that this cluster gets. `helm template` with the same values shows it.";
}
