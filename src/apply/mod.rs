//! What applying means, without a cluster: the order of objects, the inventory and what may be pruned
//! from it, who owns what, when an object is ready, and the record that a cluster carries.
