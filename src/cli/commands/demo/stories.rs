//! The stories of the demo: each a scenario for fleet, releases and what goes wrong, and what is typed
//! one after the other.

use crate::cli::args::Story;

/// One step of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What the screen tells.
    Say(&'static str),
    /// A command that is typed.
    Type(&'static str),
    /// A command that somebody is asked to type, and the event by which it is known that somebody did.
    Ask(&'static str, &'static str),
    /// What happens in the world meanwhile.
    World(Change),
}

/// What happens in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// What was wrong in clusters, and on the way to them, is mended.
    Mended,
}

/// A story.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The scenario file.
    pub scenario: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What is typed.
    pub steps: &'static [Step],
}

use Step::{Ask, Say, Type, World};

const HEALTHY: &[Step] = &[
    Say(
        "R42 raises certificates and ingress. The plan says who gets what, in which order, and what may stop it",
    ),
    Type("plan R42 --out r42.plan"),
    Say("It goes through staging with its tests, then through non-production, which soaks for two hours"),
    Type("rollout start r42.plan --until wave:nonprod"),
    Say("Production is next, and it needs a person"),
    Type("rollout run R42 --until blocked"),
    Say("Whatever waits can be asked why"),
    Type("rollout why R42 --wave prod"),
    Ask("rollout approve R42 --wave prod", "approval.given"),
    Type("rollout run R42"),
    Say("Each wave has its tag, and the record can be verified"),
    Type("journal verify"),
];

const TEST_FAILS: &[Step] = &[
    Say("The new monitoring has a test that fails on one cluster of non-production"),
    Type("plan R42 --out r42.plan"),
    Type("rollout start r42.plan --until blocked"),
    Say("A failure past the budget halts the rollout. What failed, and what now?"),
    Type("rollout why R42"),
    Say("Somebody mends what the test found, and has it tried again"),
    World(Change::Mended),
    Ask("rollout retry R42 --failed", "attempt.retry"),
    Type("rollout run R42"),
];

const PIN: &[Step] = &[
    Say(
        "The team of prod-3 keeps certificates at 1.0.0 for some weeks: a pin, with an owner, a reason and an end",
    ),
    Type("pin list"),
    Type("plan R42 --out r42.plan"),
    Type("rollout start r42.plan"),
    Say("Why does prod-3 run another version than the others?"),
    Type("cluster show prod-3 --release R42"),
];

const UNREACHABLE: &[Step] = &[
    Say("prod-2 does not answer since this morning. The wave goes on without it, as its budget allows"),
    Type("plan R42 --out r42.plan"),
    Type("rollout start r42.plan"),
    Say("It is not forgotten"),
    Type("rollout why R42 -c prod-2"),
    Say("Its network is mended. It would follow by itself before long, and at once if somebody says so"),
    World(Change::Mended),
    Ask("rollout retry R42 --deferred", "attempt.retry"),
    Type("rollout run R42"),
];

const BAD_CHART: &[Step] = &[
    Say("R42 names an image that nobody can pull"),
    Type("plan R42 --out r42.plan"),
    Type("rollout start r42.plan"),
    Say("Staging is where it ends. Nobody else was touched"),
    Type("rollout why R42"),
    Say("Trying it again would not help: somebody gives it up"),
    Ask("rollout abort R42 --reason bad-image --yes", "rollout.abort"),
    Type("rollout run R42"),
];

const FREEZE: &[Step] = &[
    Say("Production is frozen until noon"),
    Type("freeze list"),
    Type("plan R42 --out r42.plan"),
    Type("rollout start r42.plan --until blocked"),
    Type("rollout why R42"),
    Say("Nobody has to do anything: at noon it goes on by itself, if somebody drives"),
    Type("rollout run R42"),
];

const HOTFIX: &[Step] = &[
    Say("R42 soaks in non-production while production runs R41"),
    Type("plan R42 --out r42.plan"),
    Type("rollout start r42.plan --until blocked"),
    Say(
        "Then ingress turns out to be vulnerable. R41.1 mends it, on the hotfix lane: pre-production, and production at once",
    ),
    Type("plan R41.1 --out r41.1.plan"),
    Type("rollout start r41.1.plan"),
    Say("R42 lacks that fix: when its soak is over, it may not enter where the fix runs"),
    Type("rollout run R42 --until wave:nonprod"),
    Type("rollout why R42 --wave preprod"),
    Say("R42.1 contains it"),
    Ask("rollout abort R42 --reason overtaken --yes", "rollout.abort"),
    Type("plan R42.1 --out r42.1.plan"),
    Type("rollout start r42.1.plan"),
];

const ROLLBACK: &[Step] = &[
    Say("R42 reaches non-production, and there it turns out to be bad"),
    Type("plan R42 --out r42.plan"),
    Type("rollout start r42.plan --until blocked"),
    Say("What did it change, and what would go back?"),
    Type("rollout rollback R42 --reason slow --plan-only"),
    Ask("rollout rollback R42 --reason slow", "rollout.planned"),
    Type("rollout list"),
];

/// The story of a name.
pub fn told(story: Story) -> Told {
    let (name, scenario, steps) = match story {
        Story::Healthy => ("healthy", include_str!("../../../sim/scenarios/healthy.yaml"), HEALTHY),
        Story::TestFails => {
            ("test-fails", include_str!("../../../sim/scenarios/test-fails.yaml"), TEST_FAILS)
        }
        Story::Pin => ("pin", include_str!("../../../sim/scenarios/pin.yaml"), PIN),
        Story::Unreachable => {
            ("unreachable", include_str!("../../../sim/scenarios/unreachable.yaml"), UNREACHABLE)
        }
        Story::BadChart => ("bad-chart", include_str!("../../../sim/scenarios/bad-chart.yaml"), BAD_CHART),
        Story::Freeze => ("freeze", include_str!("../../../sim/scenarios/freeze.yaml"), FREEZE),
        Story::HotfixOvertakes => {
            ("hotfix-overtakes", include_str!("../../../sim/scenarios/hotfix-overtakes.yaml"), HOTFIX)
        }
        Story::Rollback => ("rollback", include_str!("../../../sim/scenarios/rollback.yaml"), ROLLBACK),
    };
    Told { scenario, name, steps }
}
