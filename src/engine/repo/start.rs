//! `init`: the files that a platform begins with. One product, one release, a pipeline of one wave, a
//! fleet of one cluster, and the schemas that editors read. Every file passes `check` as it is; where
//! they are written is not decided here.

use crate::model::{File, Kind, Tree, schema};

/// The folder of the schemas; the first line of every file leads there.
const SCHEMAS: &str = ".tidegate/schemas";

/// Paths with their texts.
const FILES: [(&str, &str); 6] = [
    ("products/hello/product.yaml", include_str!("start/product.yaml")),
    ("products/hello/manifests/hello.yaml.j2", include_str!("start/hello.yaml.j2")),
    ("products/hello/tests/greets.sh", include_str!("start/greets.sh")),
    ("releases/R1.yaml", include_str!("start/release.yaml")),
    ("pipelines/main.yaml", include_str!("start/pipeline.yaml")),
    ("pipelines/fleet.yaml", include_str!("start/fleet.yaml")),
];

/// A small platform, from the root of its repository.
pub fn starting_platform() -> Tree {
    let mut tree = Tree::new();
    for (path, text) in FILES {
        tree.insert(path, File { bytes: text.as_bytes().into(), executable: path.ends_with(".sh") });
    }
    for kind in Kind::ALL {
        let text = format!("{:#}\n", schema::of(kind));
        let file = File { bytes: text.into_bytes().into(), executable: false };
        tree.insert(format!("{SCHEMAS}/{kind}.json"), file);
    }
    tree
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog;
    use crate::diag::Findings;

    #[test]
    fn it_passes_check_without_a_finding() {
        let (catalog, mut findings) = catalog::load(&starting_platform());
        findings.extend(catalog::check(&catalog));
        assert_eq!(findings, Findings::new(), "{findings}");
    }

    #[test]
    fn every_file_of_ours_says_where_its_schema_is_and_keeps_to_it() {
        let tree = starting_platform();
        let text = |path: &str| String::from_utf8(tree.get(path).unwrap().bytes.to_vec()).unwrap();
        let mut seen = 0;
        for (path, _) in FILES.into_iter().filter(|(path, _)| path.ends_with(".yaml")) {
            let said = text(path);
            let line = said.lines().next().unwrap();
            let schema = line.strip_prefix("# yaml-language-server: $schema=").unwrap();
            let up = path.matches('/').count();
            let schema = schema.strip_prefix(&"../".repeat(up)).unwrap();
            let schema: serde_json::Value = serde_json::from_str(&text(schema)).unwrap();
            let file: serde_json::Value = serde_saphyr::from_str(&said).unwrap();
            assert_eq!(schema["title"], file["kind"], "{path}");
            assert!(jsonschema::draft7::new(&schema).unwrap().is_valid(&file), "{path}");
            seen += 1;
        }
        assert_eq!(seen, 4);
    }
}
