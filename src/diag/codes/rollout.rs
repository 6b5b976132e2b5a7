//! TG07xx: rollouts.

codes! {
    ROLLOUT_UNKNOWN = "TG0701" "rollout-unknown"
        "No rollout of this name is in the journal."
        "A rollout is named RELEASE-N, such as R42-1; a release's name alone means its newest rollout. \
         All clones of a repository on one machine share a journal. On another machine, for another user, \
         or with another `--journal`, the list is another one. `tidegate rollout list` shows what this \
         journal knows.";
    ROLLOUT_STATE = "TG0702" "rollout-state"
        "The rollout's state does not allow this."
        "Every state of a rollout has its own ways out, and a request for another one is refused \
         instead of being kept for later. The refusal lists the commands that are legal now; \
         `tidegate rollout why` says how the rollout came into its state.";
    CLUSTER_TAKEN = "TG0703" "cluster-taken"
        "A cluster belongs to another open rollout."
        "Several rollouts may plan one cluster: they get it one after another. A rollout that has come to \
         its end is not opened again by a retry or a skip for a cluster that another open rollout plans by \
         now: that one may bring what is newer. Let it come to its end, abort it, or supersede it. A plan \
         that names one cluster twice is refused in the same way.";
    PLAN_NEWER = "TG0704" "plan-newer"
        "The plan was made by a newer version of the tool."
        "The plan's format number is higher than those this version knows, so it could contain rules \
         that this version would not keep. Start it with the version that made it, or plan again.";
    WAVE_UNKNOWN = "TG0705" "wave-unknown"
        "The rollout has no wave of this name."
        "A rollout has the waves of its plan; the pipeline's file may have others by now. The refusal \
         lists them.";
    GATE_UNKNOWN = "TG0706" "gate-unknown"
        "There is no such gate, or nothing to take back at it."
        "Approvals are given at approval gates only, by the gate's id where a wave has several of them, \
         and only a given approval can be revoked. `tidegate rollout why --wave NAME` lists the gates.";
    APPROVAL_STALE = "TG0707" "approval-stale"
        "The approval was given for something else."
        "An approval counts for exactly the release, the wave and the evidence that the person saw. One \
         of them is another by now (a cluster was tried again, or the plan was made anew): look again, \
         then approve what there is now.";
    APPROVAL_EARLY = "TG0708" "approval-early"
        "An approval given before its evidence must expire, in the future."
        "Whoever approves before the waves behind the gate are through has not seen their results. Such \
         an approval counts only until a moment that it names, so that it can't be forgotten and then \
         open a gate weeks later.";
    APPROVAL_LATE = "TG0709" "approval-late"
        "The wave has passed the gate already."
        "The first cluster of the wave has started (or the wave is done), so the gate's answer has been \
         used. To stop what is going on, pause or abort the rollout.";
    APPROVAL_BY_AUTHOR = "TG0716" "approval-by-author"
        "Whoever made a release does not approve it."
        "An approval is the word of other eyes. The release's authors are whoever ran `release cut` and \
         the git authors of its file and of what it changes since its parent. A gate of a team of one \
         says `author: allowed`.";
    APPROVAL_UNSIGNED = "TG0717" "approval-unsigned"
        "The gate wants a signed approval."
        "Names in git's configuration are easy to borrow. A gate with `signed: true` counts only a yes \
         that is signed with a key that `pipelines/allowed_signers` (as committed) gives to that person: \
         approve with `--sign KEYFILE`. The signature covers the journal, rollout, wave, gate, all \
         digests, the end and the person.";
    APPROVAL_SIGNATURE = "TG0718" "approval-signature"
        "The signature does not hold."
        "It was made with a key that `pipelines/allowed_signers` does not give to this person, or over \
         something else. Nothing was recorded.";
    OVER_BUDGET = "TG0710" "over-budget"
        "More clusters have failed than the failure budget tolerates."
        "Past the failure budget nothing new starts. What failed can be tried again (all of it, or \
         enough of it), left out by `skip`, or tolerated by a raised budget with a reason; all three are \
         recorded.";
    NO_TESTS = "TG0711" "no-tests"
        "Not one test ran in a wave that runs all tests."
        "A wave with `tests: all` proves the release; when none of the products on its clusters has a \
         test, it has proved nothing and halts. Give a product a test, tag it, cut a release, and plan \
         again; or set `tests: changed` on the wave.";
    REASON_MISSING = "TG0712" "reason-missing"
        "This needs a reason."
        "Skipping a cluster, raising a failure budget, holding a cluster and stopping the line are \
         exceptions from the plan. The record of them is only of use to the next person if it says why.";
    CLUSTER_NOT_PLANNED = "TG0713" "cluster-not-planned"
        "The rollout does not plan this cluster."
        "A rollout keeps the clusters that its plan had when it was made. One that joined the fleet since \
         gets its release by the next plan.";
    CLUSTER_STATE = "TG0714" "cluster-state"
        "The cluster's state does not allow this, or no cluster is in the state asked for."
        "Retry takes clusters that failed, were skipped, are deferred or blocked; skip takes those that \
         wait or failed. A cluster at work is left alone until its attempt has ended.";
    NOTHING_TO_TEST = "TG0715" "nothing-to-test"
        "The tests of that wave can't run again now."
        "`rollout verify` runs the tests of a wave again on its done clusters, each as an attempt of its own \
         that changes nothing. The wave needs a done cluster and a product with a test, and must not be in \
         the middle of its own verification.";
    INVARIANT_BROKEN = "TG0720" "invariant-broken"
        "The core was about to break one of its own rules and stopped."
        "Before every effect the engine checks the rules that always hold (waves in order, caps, budgets, \
         one claim per cluster, intent before effect) by a second, independent reading of the state. A \
         difference is a defect of the tool: nothing was done. Please report it with the journal.";
    EVENT_IMPOSSIBLE = "TG0721" "event-impossible"
        "An event in the journal can't have happened after those before it."
        "The state of all rollouts is computed from the journal's events, and this one contradicts it. \
         Either the journal was edited (`tidegate journal verify` tells), or two versions of the tool \
         disagree on its meaning. Nothing is driven from such a journal.";
    LINE_NOT_STOPPED = "TG0730" "line-not-stopped"
        "The line of this scope is not stopped."
        "A stop-the-line ends with the scope with which it began: stopping the fleet and letting one label \
         go on would leave everybody guessing what still stands. `tidegate stop-the-line list` shows what \
         is stopped, by whom, and why.";
    NOT_HELD = "TG0731" "not-held"
        "Nobody holds this cluster, or this product of it."
        "A hold of the whole cluster and a hold of one product are released each by itself. \
         `tidegate cluster holds` shows all of them.";
    HOLD_ENDED = "TG0732" "hold-ended"
        "The end of the hold lies in the past."
        "A hold that has ended keeps nothing. Give a day or a moment to come, or leave `--until` out: then \
         it holds until it is released.";
    NOTHING_TO_HOLD = "TG0733" "nothing-to-hold"
        "It is not known which version of the product the cluster runs."
        "A hold keeps a product at the version that was last seen there, so the cluster must have been seen \
         with it. `tidegate cluster list` says what was seen and when; `tidegate plan` looks at all clusters.";
    REPLAN_OTHER_RELEASE = "TG0734" "replan-other-release"
        "A new plan is of another release."
        "`rollout replan` keeps what approvals bind to where nothing changed, so the release stays what \
         it was, with its digest. Another release is another rollout: plan and start it; it queues behind \
         this one, or takes its place with `rollout supersede`.";
    REPLAN_NOTHING = "TG0735" "replan-nothing"
        "A new plan would change nothing."
        "Fleet, pipeline, pins and holds of the last commit, and what the clusters run, lead to the plan \
         by which the rollout goes already. Only committed files count: commit the change first.";
    SCENARIO_STUCK = "TG0740" "scenario-stuck"
        "A scenario came to no end."
        "Its fleet or its releases can't be made, somebody in it is refused what they do, or waits for \
         something that does not happen. The message says which action, and why. An action that may be \
         refused says `mayBeRefused: true`.";
}
