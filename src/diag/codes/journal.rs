//! TG08xx: the journal and its driver.

codes! {
    JOURNAL_BROKEN = "TG0801" "journal-broken"
        "The journal's hash chain is broken."
        "Every event carries the hash of the one before it, and its own hash covers all of it. From the \
         named position on, an event is missing, was changed, or was put in another place. What stands \
         before it can be trusted; restore the file from a copy, and find out who wrote to it.";
    JOURNAL_NEWER = "TG0802" "journal-newer"
        "The journal was written by a newer version of the tool."
        "Its schema number is higher than those that this version knows. Reading on could miss rules \
         that the newer version keeps, so nothing is read or written. Install the newer version.";
    JOURNAL_UNREADABLE = "TG0803" "journal-unreadable"
        "The journal's file can't be opened, read or written."
        "The journal is one SQLite file beside its write-ahead log. The message says what the system \
         answered: not a database, no permission, no space left, locked by another program. If it is broken, \
         put a copy back; without one, move it away and look at what the clusters know: `tidegate journal \
         rebuild --reason TEXT`.";
    JOURNAL_FENCED = "TG0804" "journal-fenced"
        "Another process has taken over as the driver."
        "Each driver gets a number one higher than any before it, and the journal takes events only from \
         the highest. This process was away for longer than its lease (asleep, frozen, overloaded); it \
         starts nothing more. `tidegate rollout run` takes its place in the queue again.";
    DRIVER_HELD = "TG0805" "driver-held"
        "Another process drives the rollouts of this journal."
        "One process drives at a time. Commands such as approve, pause and abort need no driver: they \
         are recorded, and the driver follows them. `tidegate rollout watch` shows what it does; \
         `rollout run --standby` waits until it ends.";
    JOURNAL_NOT_LOST = "TG0806" "journal-not-lost"
        "Only an empty journal is rebuilt from the clusters' records."
        "`journal rebuild` is for a journal that is gone: it begins a new one with what the clusters' \
         records say. This journal has a history of its own, which a rebuild could only contradict. To take \
         over single clusters of another journal: `tidegate cluster adopt NAME --reason TEXT`. If this \
         journal is broken and there is no copy, move its file away first.";
    EXPORT_UNREADABLE = "TG0807" "export-unreadable"
        "A file is no whole export of a rollout."
        "`rollout export` writes one file of JSON lines: its head, the pipeline, then every event of the \
         rollout up to the journal's last one. The message names the line and the byte in it at which the \
         file is something else, can't be read, or ends too early, as a copy does that was cut off. Export \
         it once more where its journal is.";
    CLUSTERS_ELSEWHERE = "TG0808" "clusters-elsewhere"
        "The clusters of this journal live in a demo's own process."
        "A demo keeps its simulated clusters in memory. A second terminal sees its journal, its files and its \
         clock, and what is decided there (approve, retry, pause, hold and the like) is recorded, and followed \
         by the demo. What asks a cluster, or drives a rollout, is typed in the terminal of the demo.";
}
