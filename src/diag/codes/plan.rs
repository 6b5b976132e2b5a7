//! TG035x to TG039x: plans.

codes! {
    CONTROL_PLANE_STEP = "TG0350" "control-plane-step"
        "A `controlPlane` step has no behaviour yet."
        "Upgrades of control planes are read, so that files can be written for them, and refused at \
         plan time: a step that is skipped without a word would be worse. Take the step out, or \
         exclude the product.";
    NODE_POOLS_STEP = "TG0351" "node-pools-step"
        "A `nodePools` step has no behaviour yet."
        "Upgrades of node pools are read, so that files can be written for them, and refused at plan \
         time. Take the step out, or exclude the product.";
    ADDON_STEP = "TG0352" "addon-step"
        "An `addon` step has no behaviour yet."
        "A provider's add-ons are read and refused at plan time. Bring the add-on with a `helm` or \
         `run` step for now.";
    OBSERVE_EVERY = "TG0356" "observe-every"
        "`observeEvery` can't be what it says."
        "With `soak: { for: 6h, clock: observed, observeEvery: 10m }` the time between two looks at a cluster \
         counts when both found it well and they are no further apart than this: at least 10 seconds. The \
         wall clock has no such looks.";
    START_RATE = "TG0358" "start-rate"
        "The start rate is out of its range."
        "`startRate: { clusters: 10, per: 1h }` lets at most ten clusters start within any hour, over all \
         rollouts. It is a number from 1 to 10000. To hold everything write `atOnce: 0`, or stop the line.";
    ORDER_NOT_INTEGER = "TG0360" "order-not-integer"
        "A cluster's order label is not a whole number."
        "The pipeline orders clusters by this label `as: integer`. Guessing a position for the value \
         would put the cluster anywhere. A cluster without the label sorts last.";
    CLUSTER_NEVER_REACHED = "TG0361" "cluster-never-reached"
        "A cluster was never reached."
        "A plan freezes each cluster's identity (the UID of `kube-system`) and is made from what it \
         runs. Neither is known of a cluster that was never reached. Reach it once, take it out of \
         the fleet, or leave it to catch-up with `--defer-unknown`. A cluster that was reached before \
         is planned from what was seen last.";
    ONE_IDENTITY_TWICE = "TG0362" "one-identity-twice"
        "Two entries of the fleet are one cluster."
        "The UID of `kube-system` is a cluster's identity, and two entries lead to the same. They \
         would be changed twice at once. Remove one entry, or mend its kubeconfig context.";
    OTHER_KUBERNETES = "TG0363" "other-kubernetes"
        "A cluster serves another minor of Kubernetes than the release is for."
        "A release names the Kubernetes version that its products were put together for. Clusters are \
         not upgraded by a rollout yet, so the release can't be brought to a cluster on another \
         minor: upgrade it by other means, or cut a release for it.";
    EVERY_CLUSTER_AHEAD = "TG0364" "every-cluster-ahead"
        "Every cluster runs something higher than the release has."
        "A plan does not lower products by accident. When that holds for every cluster, the release \
         is an old one, or its versions were typed wrongly. To go back on purpose, roll back, or list \
         the products under `lowers` in the release.";
    BELOW_PATCH_FLOOR = "TG0365" "below-patch-floor"
        "A cluster serves an older patch of Kubernetes than the release wants."
        "A full version in a release (`1.36.3`) is a floor within its minor. The rollout goes on; \
         upgrade the cluster's patch.";
    NO_HELM = "TG0366" "no-helm"
        "A product has a chart, and there is no helm to render it."
        "Charts are rendered by the helm binary, and its version is part of what identifies the \
         result. Install helm 4, or name the binary with TIDEGATE_HELM.";
    POOLS_TWO_WAYS = "TG0367" "pools-two-ways"
        "A wave cuts its pools by label and by size."
        "Only one way can decide where a cluster goes. Keep `select` or `sizes`.";
    POOL_OF_NONE = "TG0368" "pool-of-none"
        "A pool has size 0."
        "Sizes are cut off the wave's clusters in order, the last one again and again; with 0 that \
         would never end.";
    EMPTY_WAVE = "TG0370" "empty-wave"
        "A wave has no cluster."
        "It is skipped with the reason `no-clusters`, and its gates, its approvals and its soak with \
         it. If that is not meant, mend its selector.";
    SMALL_LAST_POOL = "TG0371" "small-last-pool"
        "The last pool of a wave is smaller than its size."
        "Clusters left over are a pool of their own (`remainder: own`, the default), which proves \
         little; with `remainder: join` they join the pool before.";
    BUDGET_CLAMPED = "TG0372" "budget-clamped"
        "A budget is larger than its wave."
        "A budget that tolerates more clusters than there are tolerates everything. It counts as the \
         wave's size.";
    CAP_HOLDS = "TG0373" "cap-holds"
        "A cap of 0 holds its wave."
        "Nothing starts while a cap is 0. That may be meant; no cap at all is spelled `unlimited`.";
    LEFT_OUT = "TG0374" "left-out"
        "Clusters are in no wave and are left out."
        "The pipeline says `unassigned: exclude`, or the release is a hotfix, which goes only where its \
         lane leads. The plan lists them all.";
    UNKNOWN_DEFERRED = "TG0375" "unknown-deferred"
        "Clusters were never reached and are left to catch-up."
        "`--defer-unknown` was given. They follow after their wave, once they can be reached.";
    ORPHANED = "TG0376" "orphaned"
        "A product is installed that the cluster should not get any more."
        "Nothing is taken away by accident: it stays until a release lists it under `removes`.";
    STAYS_AHEAD = "TG0377" "stays-ahead"
        "A cluster keeps a higher version of a product than the release has."
        "A plan lowers a product only if a pin that brought the higher version has ended, or if the \
         release lists it under `lowers`. The other products of the cluster go on.";
    PLANNED_FROM_LAST = "TG0378" "planned-from-last"
        "A cluster can't be reached now and is planned from what was seen last."
        "Its change may be another one when it is reached; where it shall arrive stays the same.";
    CANARY_TOLERATES_NOTHING = "TG0379" "canary-tolerates-nothing"
        "A canary wave has a budget."
        "`canary: true` sets both budgets to 0. Take the budget out, or the `canary`.";
    EMPTY_POOL = "TG0380" "empty-pool"
        "A pool by label has no cluster."
        "It is left out of the plan. Its selector may be misspelled, or its clusters are in another \
         wave; remove the pool if it is not needed.";
    HOTFIX_UNTESTED = "TG0381" "hotfix-untested"
        "A hotfix would be tested nowhere."
        "A hotfix may waive the soak, never the tests. The first wave of its lane has to hold a cluster \
         that runs the hotfix's parent (or what that contains), and a test has to run there. A cluster \
         that runs a newer release proves nothing about the hotfix.";
    PIN_MISSES_HOTFIX = "TG0382" "pin-misses-hotfix"
        "A pin keeps a product below what a hotfix raised it to."
        "The cluster is planned and blocked: it would stay without the hotfix, and only its team or an \
         operator can say whether that is right. End the pin or raise it and plan again, or skip the \
         cluster.";
    NO_TEST_TO_RUN = "TG0384" "no-test-to-run"
        "A wave is to run all tests, and there is none."
        "A wave with `tests: all` (the first one, if it says nothing) halts when not one test ran in it, \
         and only an abort ends that. Give a product on its clusters a test, in a new version, or write \
         `tests: changed`.";
    DEADLINE_BY_DEFAULT = "TG0387" "deadline-by-default"
        "Too few tries are known for `deadline: auto`."
        "The limit of such a step is twice the 99th percentile of how long it took before. Until 20 \
         successful tries are in the journal, its `timeout` counts, or 10 minutes where there is none. \
         Nothing has to be done; write a `timeout` if 10 minutes are not enough for the first clusters.";
    NO_SUCH_PIPELINE = "TG0389" "no-such-pipeline"
        "It is not clear which pipeline is meant."
        "A release goes through one pipeline, `pipelines/NAME.yaml` of the last commit. Where there is \
         only one it need not be named; else name it with `--pipeline NAME`.";
    CLOSED_NOW = "TG0383" "closed-now"
        "The calendar forbids changes to clusters of this wave at the moment."
        "Windows and freezes of `pipelines/calendar.yaml` are asked whenever a cluster is about to start \
         and before every step, not when a plan is made: the rollout can be started now, and waits for the \
         opening by itself. `tidegate rollout why` names it. What counts is the calendar of the last commit.";
    NOTHING_TO_ROLL_BACK = "TG0393" "nothing-to-roll-back"
        "Nothing carries what a rollout brought."
        "A rollback covers only clusters that run the inputs which the rollout gave them, within the \
         waves and clusters that are asked for. Those that it never reached, and those that were \
         changed since, need nothing taken back.";
    BEFORE_UNVERIFIED = "TG0394" "before-unverified"
        "What a cluster ran before was never verified."
        "A rollback goes back to a state that was ready and passed its tests there. What ran before \
         this rollout never came so far, so it may be as broken. Somebody has to choose: leave the \
         cluster out, or roll a mended release forward.";
    BEFORE_UNKNOWN = "TG0395" "before-unknown"
        "What a cluster ran before is not to be found."
        "A rollback needs the content of the earlier product version (by its commit or its tag in this \
         repository) and the values that it had: from the journal, else from the cluster's record.";
    ONE_WAY_SKIPPED = "TG0396" "one-way-skipped"
        "A rollback does not take a one-way step."
        "The product's file says `oneWay` of the step: going back can't undo what it did. The step is \
         left out on the way back, and its effect stays; see that the older version can live with it.";
    STAYS_BEHIND = "TG0397" "stays-behind"
        "A rollback leaves a product as it is."
        "Products that the release added stay, unless `--remove-added` is given: taking away what may be \
         in use by now is a decision of its own. Products whose steps are all one-way can't go back, and \
         those that were changed since the rollout are not its business.";
    STILL_NEEDED = "TG0398" "still-needed"
        "A release takes a product away that something on a cluster still requires."
        "Products go in reverse order of the graph, each before what it requires. Here the one that \
         requires it stays: it is installed, not wanted any more, and left alone, since no release takes \
         it away. So its prerequisite stays too, with all that this one requires. List both under \
         `removes`, in this release or in an earlier one.";
    PLAN_UNREADABLE = "TG0390" "plan-unreadable"
        "A file is no plan."
        "Plans are written by `tidegate plan RELEASE --out FILE`. A file cut short while it was \
         copied is the usual cause.";
    PLAN_FORMAT = "TG0391" "plan-format"
        "A plan has a newer format than this version of tidegate reads."
        "It was made by a later version. Use that version, or plan again with this one.";
    PLAN_TAMPERED = "TG0392" "plan-tampered"
        "A plan is not what was planned."
        "Its digests are taken again when it is read, and one does not fit: the file was edited or \
         damaged. Approvals bind to these digests, so it is refused. Plan again.";
}
