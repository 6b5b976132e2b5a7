//! The catalog: products, releases, pipelines and the fleet as one whole. It decides whether what
//! the files say fits together; every contradiction is a finding with its place.

pub mod graph;
