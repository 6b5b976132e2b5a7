//! The dependency graph of products: `requires` edges, cycles, and the phases in which products go
//! to a cluster. It knows names only; whether ranges hold is for others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::ProductName;

/// Products with edges from each to those that it requires.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    edges: DiGraph<ProductName, ()>,
    index: BTreeMap<ProductName, NodeIndex>,
}

impl Graph {
    /// The graph of these products. An edge to a product that is not among them is left out: that
    /// it is missing is for others to find.
    pub fn of<'a, R>(products: impl IntoIterator<Item = (&'a ProductName, R)>) -> Self
    where
        R: IntoIterator<Item = &'a ProductName>,
    {
        let mut graph = Self::default();
        let mut required: BTreeMap<&ProductName, BTreeSet<&ProductName>> = BTreeMap::new();
        for (product, requires) in products {
            required.entry(product).or_default().extend(requires);
        }
        for product in required.keys() {
            let node = graph.edges.add_node((*product).clone());
            graph.index.insert((*product).clone(), node);
        }
        for (product, requires) in required {
            for other in requires {
                if let (Some(from), Some(to)) = (graph.index.get(product), graph.index.get(other)) {
                    graph.edges.add_edge(*from, *to, ());
                }
            }
        }
        graph
    }

    /// The products, in order of names.
    pub fn products(&self) -> impl Iterator<Item = &ProductName> {
        self.index.keys()
    }

    /// One cycle, if there is any: each product requires the next, and the last the first.
    pub fn cycle(&self) -> Option<Vec<ProductName>> {
        self.cycles().into_iter().next()
    }

    /// The shortest cycle of every knot of products that require each other, each beginning with
    /// its first name, in order of these.
    pub fn cycles(&self) -> Vec<Vec<ProductName>> {
        let mut cycles: Vec<Vec<ProductName>> =
            tarjan_scc(&self.edges).into_iter().filter_map(|knot| self.shortest_cycle(&knot)).collect();
        cycles.sort();
        cycles
    }

    fn shortest_cycle(&self, knot: &[NodeIndex]) -> Option<Vec<ProductName>> {
        let inside: BTreeSet<NodeIndex> = knot.iter().copied().collect();
        let mut starts: Vec<NodeIndex> = knot.to_vec();
        starts.sort_by_key(|node| self.edges.node_weight(*node));
        starts
            .into_iter()
            .filter_map(|start| self.way_back(start, &inside))
            .min_by_key(Vec::len)
            .map(|nodes| nodes.into_iter().filter_map(|n| self.edges.node_weight(n).cloned()).collect())
    }

    /// The shortest way from a node back to itself that stays inside.
    fn way_back(&self, start: NodeIndex, inside: &BTreeSet<NodeIndex>) -> Option<Vec<NodeIndex>> {
        let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for next in self.sorted(node, Direction::Outgoing) {
                if next == start {
                    let mut way = vec![node];
                    let mut at = node;
                    while at != start {
                        at = *came_from.get(&at)?;
                        way.push(at);
                    }
                    way.reverse();
                    return Some(way);
                }
                if inside.contains(&next) && !came_from.contains_key(&next) {
                    came_from.insert(next, node);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    fn sorted(&self, node: NodeIndex, direction: Direction) -> Vec<NodeIndex> {
        let mut found: Vec<NodeIndex> = self.edges.neighbors_directed(node, direction).collect();
        found.sort_by_key(|n| self.edges.node_weight(*n));
        found
    }

    /// In which phase each product goes: 0 if it requires nothing, else one after the last of what
    /// it requires. Products on a cycle, or that require one on it, have none.
    pub fn phases(&self) -> BTreeMap<ProductName, u32> {
        let mut waits: BTreeMap<NodeIndex, usize> = self
            .edges
            .node_indices()
            .map(|node| (node, self.edges.neighbors_directed(node, Direction::Outgoing).count()))
            .collect();
        let mut ready: VecDeque<(NodeIndex, u32)> =
            waits.iter().filter(|(_, n)| **n == 0).map(|(node, _)| (*node, 0)).collect();
        let mut phases = BTreeMap::new();
        // First in, first out keeps phases ascending, so the last dependency decides.
        while let Some((node, phase)) = ready.pop_front() {
            if let Some(name) = self.edges.node_weight(node) {
                phases.insert(name.clone(), phase);
            }
            for dependent in self.edges.neighbors_directed(node, Direction::Incoming) {
                if let Some(left) = waits.get_mut(&dependent) {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        ready.push_back((dependent, phase + 1));
                    }
                }
            }
        }
        phases
    }

    /// Everything that a product requires, directly or not; itself only on a cycle.
    pub fn dependencies(&self, product: &ProductName) -> BTreeSet<ProductName> {
        self.reachable(product, Direction::Outgoing)
    }

    /// Everything that requires a product, directly or not; itself only on a cycle.
    pub fn dependents(&self, product: &ProductName) -> BTreeSet<ProductName> {
        self.reachable(product, Direction::Incoming)
    }

    fn reachable(&self, product: &ProductName, direction: Direction) -> BTreeSet<ProductName> {
        let mut found = BTreeSet::new();
        let mut open: Vec<NodeIndex> = self.index.get(product).copied().into_iter().collect();
        while let Some(node) = open.pop() {
            for next in self.edges.neighbors_directed(node, direction) {
                if let Some(name) = self.edges.node_weight(next)
                    && found.insert(name.clone())
                {
                    open.push(next);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn name(text: &str) -> ProductName {
        text.parse().unwrap()
    }

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let owned: Vec<(ProductName, Vec<ProductName>)> =
            edges.iter().map(|(p, r)| (name(p), r.iter().map(|r| name(r)).collect())).collect();
        Graph::of(owned.iter().map(|(p, r)| (p, r.iter())))
    }

    #[test]
    fn a_product_goes_one_phase_after_the_last_that_it_requires() {
        let graph = graph(&[
            ("app", &["ingress", "base"]),
            ("base", &[]),
            ("ingress", &["certs"]),
            ("certs", &["base"]),
        ]);
        let phases: Vec<(String, u32)> =
            graph.phases().into_iter().map(|(p, n)| (p.to_string(), n)).collect();
        assert_eq!(
            phases,
            [("app".into(), 3), ("base".into(), 0), ("certs".into(), 1), ("ingress".into(), 2)]
        );
        assert_eq!(graph.cycle(), None);
    }

    #[test]
    fn a_cycle_is_the_whole_path_and_its_products_have_no_phase() {
        let graph = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"]), ("e", &[])]);
        assert_eq!(graph.cycle().unwrap(), [name("a"), name("b"), name("c")]);
        assert_eq!(graph.phases().into_keys().collect::<Vec<_>>(), [name("e")]);
    }

    #[test]
    fn each_knot_is_reported_with_its_shortest_cycle() {
        let graph = graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["a"]), ("x", &["x"])]);
        assert_eq!(graph.cycles(), [vec![name("a"), name("c")], vec![name("x")]]);
    }

    #[test]
    fn dependencies_are_transitive_and_missing_products_are_left_out() {
        let graph = graph(&[("a", &["b", "missing"]), ("b", &["c"]), ("c", &[])]);
        assert_eq!(graph.dependencies(&name("a")), BTreeSet::from([name("b"), name("c")]));
        assert_eq!(graph.dependents(&name("c")), BTreeSet::from([name("a"), name("b")]));
        assert!(graph.dependencies(&name("missing")).is_empty());
    }
}
