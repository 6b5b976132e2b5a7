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
    /// A command that somebody is asked to type.
    Ask(&'static str),
    /// What happens in the world meanwhile.
    World(Change),
}

/// What happens in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// What was wrong in clusters, and on the way to them, is mended.
    Mended,
    /// So many hours pass.
    Hours(u32),
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
    Say("R42 raises certificates and ingress. The plan says who gets what, in which order, and what may stop it"),
    Type("plan R42 --out r42.plan"),
    Say("It goes through staging with its tests, then through non-production, which soaks for two hours"),
    Type("rollout start r42.plan --until blocked"),
    Say("Production waits for a person. Ask it why"),
    Type("rollout why R42 --wave prod"),
    Ask("rollout approve R42 --wave prod"),
    Type("rollout run R42"),
    Say("Each wave has its tag, and the record can be verified"),
    Type("journal verify"),
];

/// The story of a name.
pub fn told(story: Story) -> Told {
    match story {
        _ => Told {
            scenario: include_str!("../../../sim/scenarios/healthy.yaml"),
            name: "healthy",
            steps: HEALTHY,
        },
    }
}
