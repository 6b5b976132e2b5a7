//! Who gets a product: its `where`, minus the exclusions of environment, pool and cluster. Any
//! exclusion wins, and every one is kept, so that `cluster show` can print them all.

use std::collections::HashMap;

use super::{Exclusion, Layer};
use crate::diag::Place;
use crate::model::{ClusterEntry, Fleet, Labels, Overrides, ProductName};
use crate::yaml::Node;

/// One layer's values and exclusions, found by product.
#[derive(Debug)]
pub(super) struct LayerView<'a> {
    pub layer: Layer,
    pub values: HashMap<&'a ProductName, &'a Node>,
    pub excluded: HashMap<&'a ProductName, &'a Place>,
}

impl<'a> LayerView<'a> {
    fn of(layer: Layer, overrides: &'a Overrides) -> Self {
        Self {
            layer,
            values: overrides.values.iter().map(|(product, node)| (&product.value, node)).collect(),
            excluded: overrides.exclude.iter().map(|product| (&product.value, &product.place)).collect(),
        }
    }

    fn cluster(entry: &'a ClusterEntry) -> Self {
        Self {
            layer: Layer::Cluster,
            values: entry.values.iter().map(|(product, node)| (&product.value, node)).collect(),
            excluded: entry.exclude.iter().map(|product| (&product.value, &product.place)).collect(),
        }
    }
}

/// The layers of a fleet, found by label value.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    environments: HashMap<&'a str, LayerView<'a>>,
    pools: HashMap<&'a str, LayerView<'a>>,
}

/// The layers of one cluster, weakest first.
#[derive(Debug)]
pub(super) struct ClusterLayers<'l, 'a> {
    pub environment: Option<&'l LayerView<'a>>,
    pub pool: Option<&'l LayerView<'a>>,
    pub own: LayerView<'a>,
}

impl<'a> Layers<'a> {
    /// The layers of a fleet.
    pub fn of(fleet: &'a Fleet) -> Self {
        let environments = fleet.environments.iter().map(|(name, overrides)| {
            let name = name.value.as_str();
            (name, LayerView::of(Layer::Environment(name.to_owned()), overrides))
        });
        let pools = fleet.pools.iter().map(|(name, overrides)| {
            let name = name.value.as_str();
            (name, LayerView::of(Layer::Pool(name.to_owned()), overrides))
        });
        Self { environments: environments.collect(), pools: pools.collect() }
    }

    /// Those of one cluster: its labels `env` and `pool` name the first two.
    pub fn of_cluster(&self, entry: &'a ClusterEntry, labels: &Labels) -> ClusterLayers<'_, 'a> {
        ClusterLayers {
            environment: labels.get("env").and_then(|env| self.environments.get(env.as_str())),
            pool: labels.get("pool").and_then(|pool| self.pools.get(pool.as_str())),
            own: LayerView::cluster(entry),
        }
    }
}

impl<'l, 'a> ClusterLayers<'l, 'a> {
    /// The layers in order, weakest first.
    pub fn iter(&self) -> impl Iterator<Item = &LayerView<'a>> {
        self.environment.into_iter().chain(self.pool).chain(std::iter::once(&self.own))
    }

    /// The layers that set values of a product, weakest first.
    pub fn values(&self, product: &ProductName) -> Vec<(&LayerView<'a>, &'a Node)> {
        self.iter().filter_map(|view| view.values.get(product).map(|node| (view, *node))).collect()
    }

    /// Every exclusion of a product, with its place.
    pub fn exclusions(&self, product: &ProductName) -> Vec<(Exclusion, &'a Place)> {
        self.iter()
            .filter_map(|view| {
                view.excluded.get(product).map(|place| (Exclusion::Excluded(view.layer.clone()), *place))
            })
            .collect()
    }
}
