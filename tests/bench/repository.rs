//! What stands in the index of a repository of charts.

use std::fmt::Write as _;

/// The lines of a chart, as `helm repo index` writes them.
pub fn chart(number: usize, versions: usize, text: &mut String) {
    writeln!(text, "  chart-{number:04}:").unwrap();
    for version in (0..versions).rev() {
        let (minor, patch) = (version / 4, version % 4);
        let digest = (number * versions + version) as u64;
        write!(
            text,
            "  - annotations:
      artifacthub.io/changes: |
        - kind: changed
          description: Update the image of chart-{number:04} to 2.{minor}.{patch}
          links:
            - name: \"Pull request: {digest}\"
              url: https://forge.example/charts/pull/{digest}
        - kind: fixed
          description: \"Ports of the service: no longer swapped\"
      artifacthub.io/images: |
        - name: chart-{number:04}
          image: registry.example/chart-{number:04}:2.{minor}.{patch}
    apiVersion: v2
    appVersion: 2.{minor}.{patch}
    created: \"2026-03-{:02}T19:19:04.651095688Z\"
    dependencies:
    - condition: redis.enabled
      name: redis
      repository: https://charts.example/stable
      version: 17.x.x
    description: A chart for chart-{number:04}, which does a thing that many clusters need to
      have done, and does it well.
    digest: {digest:064x}
    home: https://chart-{number:04}.example
    keywords:
    - thing
    - cluster
    kubeVersion: '>=1.25.0-0'
    maintainers:
    - email: someone@chart-{number:04}.example
      name: someone
    name: chart-{number:04}
    sources:
    - https://forge.example/chart-{number:04}
    type: application
    urls:
    - https://charts.example/chart-{number:04}-1.{minor}.{patch}.tgz
    version: 1.{minor}.{patch}
",
            version % 28 + 1,
        )
        .unwrap();
    }
}
