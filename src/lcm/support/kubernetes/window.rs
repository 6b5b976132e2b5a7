//! Where a version of a provider's Kubernetes stands: by a file of one's own, else by what the provider itself
//! tells, else by the public data set.

use jiff::civil::Date;

use super::{Offered, Provider};
use crate::lcm::declared::Item;
use crate::lcm::support::known::{Known, Window};
use crate::lcm::support::standing::Standing;
use crate::version::KubeVersion;

/// Where a version stands on a day. `offered` is what this provider tells, if that was read.
pub fn window(
    provider: Provider,
    version: &KubeVersion,
    offered: Option<&Offered>,
    known: &Known,
    today: Date,
) -> Window {
    let item = Item::Kubernetes(provider.channel().to_owned());
    let text = version.to_string();
    let cycle = known.product_of(&item).ok().and_then(|product| product.cycle(&text));
    let is_own = cycle.is_some_and(|cycle| cycle.own);
    let told = offered.filter(|_| !is_own).and_then(|offered| offered.ends(version.minor()));
    match told {
        Some(ends) => Window::Known {
            product: provider.to_string(),
            cycle: version.minor().to_string(),
            standing: Standing::of(&ends, today),
            note: None,
            source: provider.versions().map_or_else(String::new, |recording| recording.file.to_owned()),
        },
        None => known.window(&item, &text, today),
    }
}
