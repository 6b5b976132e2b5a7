//! What happens by itself in a simulated cluster: controllers, scheduler, kubelets and the garbage
//! collector, in virtual time and only as far as they are told. Each looks at what is there and does
//! what is missing, so that none needs to know what it did before; what has to happen later is kept as
//! a date.

mod api_services;
mod birth;
mod bootstrap;
mod budgets;
mod claims;
mod daemon_sets;
mod definitions;
mod deployment_status;
mod deployments;
mod endpoints;
mod fields;
mod garbage;
mod job_status;
mod jobs;
mod kubelet;
mod names;
mod namespaces;
mod nodes;
mod pods;
mod replica_sets;
mod revisions;
mod rollout;
mod routes;
mod scheduling;
mod selectors;
mod services;
mod settle;
mod stateful_sets;
mod world;

pub use bootstrap::bootstrap;
pub use budgets::Budget;
pub(in crate::sim) use selectors::selects;
pub use settle::Controllers;

#[cfg(test)]
mod tests;
