//! TG030x to TG034x: who gets what, and pins.

codes! {
    UNKNOWN_VALUE_KEY = "TG0301" "unknown-value-key"
        "A value is set that the product does not know."
        "Environments, pools and clusters may set the values that a product has in its defaults or \
         in its valuesSchema. A key that stands in neither would be merged and read by nobody, which \
         is how a misspelled key goes unnoticed for a year. Add the key to the product's defaults or \
         schema (and raise its version), or mend the spelling. An empty map in the defaults, or \
         `additionalProperties` in the schema, takes any key.";
    VALUES_NOT_A_MAP = "TG0302" "values-not-a-map"
        "The values of a product are not a mapping."
        "Values are keys with values: they are merged key by key over the product's defaults. Write \
         the keys below the product's name; to set nothing, leave the product out.";
    VALUE_BREAKS_SCHEMA = "TG0303" "value-breaks-schema"
        "An effective value breaks the product's valuesSchema."
        "After all layers (product, environment, pool, cluster) are merged, the result is checked \
         against the JSON Schema (draft-07) in the product's file. The place is where the value was \
         written, in whichever layer that is. A `secretRef` satisfies every schema, since what it \
         stands for is read only when it is needed.";
    BROKEN_VALUES_SCHEMA = "TG0304" "broken-values-schema"
        "A product's valuesSchema is no JSON Schema."
        "Schemas are draft-07. References (`$ref`) may point into the same schema only: nothing is \
         fetched.";
    VALUES_NOT_JSON = "TG0305" "values-not-json"
        "The effective values have no form in JSON."
        "Values are digested as canonical JSON, which has no infinity and no NaN. Write such a \
         number as text and let the template turn it into what the program expects.";
    REQUIREMENT_ABSENT = "TG0310" "requirement-absent"
        "A cluster would get a product without one that it requires."
        "What a product names under `requires` must reach every cluster that the product reaches. \
         Either the release lacks it, or `where` or an `exclude` keeps it away from this cluster: any \
         exclusion wins. Exclude the dependent product there too, or take the exclusion away.";
    REQUIREMENT_UNSATISFIED = "TG0311" "requirement-unsatisfied"
        "A cluster would get two product versions that do not go together."
        "A product names the versions of other products that it works with. The release's own set was \
         checked when it was cut; with a pin, or with a version that runs there and may not be \
         lowered, the set of this cluster is another one. Both versions are named with where they \
         come from: change the pin, or release a version that accepts the other.";
    REQUIREMENT_CIRCLE = "TG0312" "requirement-circle"
        "Products require each other in a circle."
        "Products go to a cluster in the order of their requirements, so a circle has no first one. \
         The path is shown whole, with the place of each edge; take one edge out.";
    KUBERNETES_OUT_OF_RANGE = "TG0313" "kubernetes-out-of-range"
        "A product does not work on the Kubernetes version of a cluster."
        "Each product names the Kubernetes versions it was made for. The cluster serves another one: \
         exclude the product there, or release a version of it that knows this Kubernetes.";
    CONTENT_ABSENT = "TG0314" "content-absent"
        "The content of a product version was not found."
        "What is applied comes from git objects, found by the commit that the lock, the pin or the \
         cluster's record names, else by the tag `NAME/vVERSION`. A shallow clone or a clone without \
         tags may lack both: fetch them.";
    PINS_CONTRADICT = "TG0320" "pins-contradict"
        "Two pins hold the same product on one cluster."
        "Each pin was made by somebody for a reason, and the tool does not choose between them. Talk \
         to both owners and remove one, or narrow its selector.";
    PIN_ENDED = "TG0321" "pin-ended"
        "A pin has ended; its clusters get the release's version again."
        "Every pin has an end. With the next plan after it, its clusters rejoin the others, also when \
         that lowers the product. To keep the version longer, add a pin with a later end; otherwise \
         remove the file.";
    ON_EXPIRY_BLOCK = "TG0322" "on-expiry-block"
        "`onExpiry: block` has no behaviour yet."
        "It is refused, so that nobody believes in a block that does not hold. With `rejoin` (the \
         default) the clusters get the release's version with the first plan after the end.";
    PIN_WITHOUT_PRODUCT = "TG0323" "pin-without-product"
        "A pin holds a product that the release does not have."
        "A pin chooses another version of a product that the release brings; it does not add a \
         product. If the product was taken out of the release on purpose, the pin can go.";
    PIN_BELOW_RUNNING = "TG0324" "pin-below-running"
        "A pin names a lower version than the one that runs."
        "A plan lowers a product only when the higher version came from a pin that ended, or when the \
         release lists the product under `lowers`, since going back is where data gets lost. The \
         version that runs there stays.";
}
