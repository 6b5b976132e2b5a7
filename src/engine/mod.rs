//! The one loop that turns effects into deeds and deeds into events, shared by driver, watch and why.
//! It speaks to the world through ports, and to clusters with the kube client above the Clusters port.
