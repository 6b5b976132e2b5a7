//! TG06xx: clusters and applying.

codes! {
    OTHER_CLUSTER = "TG0601" "other-cluster"
        "A kubeconfig leads to another cluster than before."
        "A cluster is identified by the UID of its namespace kube-system, which is recorded when it is \
         first seen and compared at every connect. Here the same entry of the Fleet leads to another \
         one: somebody changed the kubeconfig, or the cluster was made anew. Nothing was written. If \
         it is a new cluster, give it a new name in the Fleet, or observe it and plan again.";
    FOREIGN_CLUSTER = "TG0602" "foreign-cluster"
        "Another journal operates this cluster."
        "The Lease `operator` in namespace tidegate-system, or a product's record there, belongs to \
         another journal, or names an unfinished rollout that this journal does not know. Two journals \
         that operate one cluster would undo each other's work, so this one never takes it over by \
         itself, expired or not. If the other journal is lost or gives the cluster up: `tidegate \
         cluster adopt NAME --reason TEXT` takes it over and keeps its records.";
    FENCED = "TG0603" "fenced"
        "The cluster's lease was lost, so nothing more is written there."
        "Before every write the time that is left of the cluster's lease is compared with the longest \
         time that the request may take. The lease could not be renewed in time (the process or the \
         machine slept, or the API server did not answer), or another process holds it now. The process \
         that holds it reads everything again and goes on.";
    RECORD_TOO_NEW = "TG0604" "record-too-new"
        "A record in the cluster was written by a newer tidegate."
        "The record's format number is higher than this tidegate knows. An older one could not keep what \
         it does not understand, so it does not touch the cluster. Use a newer tidegate.";
    RECORD_DAMAGED = "TG0605" "record-damaged"
        "A record in the cluster can't be read."
        "A product's record is kept in the Secret `product.NAME` in namespace tidegate-system, a long one \
         also in Secrets `product.NAME.HASH.1` and so on. One of them was changed or deleted by somebody \
         else. Restore them from a backup of the cluster; or delete the Secret `product.NAME`: the \
         product is then deployed as if it were new, and objects that it no longer has stay behind.";
    FIELD_CONFLICT = "TG0606" "field-conflict"
        "Another manager owns a field that the product sets."
        "Somebody else wrote a field that the product sets: an operator, an autoscaler, or a person with \
         kubectl. tidegate does not take fields over by itself, since the two would fight. Leave the \
         field out of the product if the other one is right (an autoscaler owns spec.replicas); say \
         `conflicts: take` in the product if the product is always right; or plan with `--take-over` to \
         take them over once.";
    OBJECT_REJECTED = "TG0607" "object-rejected"
        "The API server does not accept an object."
        "Objects are applied with strict validation: an unknown or duplicate field is an error there, not \
         a warning. The message is the API server's; values of Secrets are left out of it. Fields that \
         can't be changed need a new object under another name; Jobs are made anew by tidegate itself.";
    NAMESPACE_MISSING = "TG0608" "namespace-missing"
        "An object lies in a namespace that is not there."
        "The namespace is neither in the cluster nor in any product of the cluster's set. Add a Namespace \
         object to the product that owns it, or correct the object's namespace.";
    KIND_MISSING = "TG0609" "kind-missing"
        "The cluster does not know the kind of an object."
        "No API server resource serves this group, version and kind, and no CustomResourceDefinition of \
         the set defines it. Deploy the product that brings it first (`requires`), or correct apiVersion \
         and kind.";
    ACCOUNT_MISSING = "TG0610" "account-missing"
        "Pods name a ServiceAccount that is not there."
        "Pods of an unknown ServiceAccount are never created, and the workload would wait without end. The \
         account is neither in the cluster nor in any product of the cluster's set.";
    SHARED_OBJECT = "TG0611" "shared-object"
        "Two products of one cluster render the same object."
        "An object belongs to one product: otherwise each would undo the other's changes, and the removal \
         of one would break the other. Leave it to one of them and let the other require that one.";
    DEFINITION_CHANGE = "TG0612" "definition-change"
        "A CustomResourceDefinition would lose a stored version or change its scope."
        "The API server refuses to drop a version in which objects may still be stored, and a definition \
         can't change its scope. Migrate the stored objects first and take the version out of \
         status.storedVersions; a change of scope needs a new definition.";
    PRUNE_CONFIRMATION = "TG0613" "prune-confirmation"
        "So many objects would be deleted that it looks like a mistake."
        "The product's rendered set is empty, or smaller by more than 30 % than what is in the cluster. \
         More often than not that is a wrong value or an empty file. If the objects are to go, name them \
         under `removed` in the product: what is named there is meant; or plan with `--allow-prune`.";
    NOT_READY = "TG0614" "not-ready"
        "An object says that it will not get ready."
        "The cause comes from the object's own status, or from that of its pods: an image that can't be \
         pulled, a container that ends again and again, a deadline of the rollout that passed. See the \
         object with kubectl, mend the product, and plan again; `rollout retry` tries the same once more.";
}
