//! What a cluster is made of, as settings, flags and files: one function per
//! component. When they are run is up to `cluster.rs`.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::json;

use super::audit::POLICY;
use super::pki::Pki;
use super::trouble::{Doing as _, Outcome};

/// What kind of cluster a test asks for.
#[derive(Clone, Debug)]
pub struct ClusterSpec {
    /// Its name in kubeconfigs and messages; need not be unique.
    pub name: String,
    /// Fake nodes, `NAME-node-1` and so on. Needs `controllers`.
    pub nodes: u32,
    /// Controller manager, scheduler and kwok: workloads live. Without them
    /// there is only the API server: objects are stored, nothing happens.
    pub controllers: bool,
    /// An etcd of its own, so that it can be killed.
    pub own_etcd: bool,
    /// Serve as this minor (`1.34`): three back at most, not below 1.31.
    pub emulated: Option<String>,
    /// Flags for the API server beside the usual ones.
    pub api_server_flags: Vec<String>,
    /// Labels of every node.
    pub node_labels: Vec<(String, String)>,
    /// What the nodes call their version (`v1.35.1`).
    pub kubelet_version: String,
    /// Whether the API server keeps an audit log.
    pub audit: bool,
}

impl ClusterSpec {
    /// A complete cluster with this many ready nodes.
    pub fn complete(name: &str, nodes: u32) -> Self {
        Self {
            name: name.to_owned(),
            nodes,
            controllers: true,
            own_etcd: false,
            emulated: None,
            api_server_flags: Vec::new(),
            node_labels: Vec::new(),
            kubelet_version: "v1.36.3".to_owned(),
            audit: true,
        }
    }

    /// Only an API server: a third of the memory, a second faster.
    pub fn api_only(name: &str) -> Self {
        Self { controllers: false, ..Self::complete(name, 0) }
    }

    pub fn own_etcd(mut self) -> Self {
        self.own_etcd = true;
        self
    }

    pub fn emulated(mut self, minor: &str) -> Self {
        self.emulated = Some(minor.to_owned());
        self
    }

    pub fn api_server_flag(mut self, flag: &str) -> Self {
        self.api_server_flags.push(flag.to_owned());
        self
    }

    pub fn node_label(mut self, key: &str, value: &str) -> Self {
        self.node_labels.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// Who may log in by token: user name, groups, and what the token is for.
pub const USERS: &[(&str, &str)] = &[
    ("admin", "system:masters"),
    ("system:kube-controller-manager", ""),
    ("system:kube-scheduler", ""),
    ("bed:kwok", "system:masters"),
    // Nobody in particular: every request beyond discovery is a 403.
    ("nobody", ""),
];

/// The files of one cluster.
pub struct Files<'a> {
    pub folder: &'a Path,
    pub pki: &'a Pki,
}

impl Files<'_> {
    /// Writes token file, audit policy and stages. Answers the users' tokens.
    pub fn write(&self) -> Outcome<Vec<(&'static str, String)>> {
        let put = |name: &str, text: &str| {
            let path = self.folder.join(name);
            fs::write(&path, text).doing(path.display())
        };
        let mut tokens = Vec::new();
        let mut lines = String::new();
        for (user, groups) in USERS {
            let token = uuid::Uuid::new_v4().simple().to_string();
            lines.push_str(&format!("{token},{user},{user},\"{groups}\"\n"));
            tokens.push((*user, token));
        }
        put("tokens.csv", &lines)?;
        put("audit-policy.yaml", POLICY)?;
        let stages = [
            include_str!("stages/nodes.yaml"),
            include_str!("stages/pods.yaml"),
            include_str!("stages/jobs.yaml"),
        ];
        put("stages.yaml", &stages.join("\n---\n"))?;
        Ok(tokens)
    }

    /// Writes a kubeconfig (JSON, which is YAML) for one user of one address.
    pub fn kubeconfig(&self, file: &str, cluster: &str, port: u16, token: &str) -> Outcome<()> {
        let ca = base64::engine::general_purpose::STANDARD.encode(&self.pki.ca_pem);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": cluster,
            "clusters": [{"name": cluster, "cluster": {
                "server": format!("https://127.0.0.1:{port}"),
                "certificate-authority-data": ca,
            }}],
            "users": [{"name": cluster, "user": {"token": token}}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        });
        let path = self.folder.join(file);
        fs::write(&path, format!("{config:#}\n")).doing(path.display())
    }

    /// Flags of the API server, without those of a spec.
    pub fn api_server(&self, etcd: &str, prefix: &str, port: u16, audit: bool) -> Vec<String> {
        let here = |name: &str| self.folder.join(name).display().to_string();
        let pki = self.pki;
        let mut flags = vec![
            format!("--etcd-servers={etcd}"),
            format!("--etcd-prefix={prefix}"),
            format!("--secure-port={port}"),
            "--bind-address=127.0.0.1".into(),
            format!("--tls-cert-file={}", pki.server_cert.display()),
            format!("--tls-private-key-file={}", pki.server_key.display()),
            format!("--client-ca-file={}", pki.ca.display()),
            format!("--token-auth-file={}", here("tokens.csv")),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", pki.accounts_public.display()),
            format!("--service-account-signing-key-file={}", pki.accounts_key.display()),
            "--authorization-mode=Node,RBAC".into(),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            "--endpoint-reconciler-type=none".into(),
            "--allow-privileged=true".into(),
            "--profiling=false".into(),
        ];
        if audit {
            flags.extend([
                format!("--audit-policy-file={}", here("audit-policy.yaml")),
                format!("--audit-log-path={}", here("audit.log")),
                "--audit-log-maxsize=0".into(),
                "--audit-log-mode=blocking".into(),
            ]);
        }
        flags
    }

    pub fn controller_manager(&self) -> Vec<String> {
        let pki = self.pki;
        vec![
            format!("--kubeconfig={}", self.folder.join("controller-manager.kubeconfig").display()),
            format!("--service-account-private-key-file={}", pki.accounts_key.display()),
            format!("--root-ca-file={}", pki.ca.display()),
            "--leader-elect=false".into(),
            "--use-service-account-credentials=true".into(),
            "--secure-port=0".into(),
            "--kube-api-qps=200".into(),
            "--kube-api-burst=400".into(),
            // Nobody sends heartbeats for the fake nodes; without this they turn NotReady, and the
            // pods on them, some fifty seconds after they were made.
            "--node-monitor-grace-period=24h".into(),
            "--controllers=*,-node-ipam-controller,-node-route-controller,-service-lb-controller,\
             -cloud-node-lifecycle-controller,-persistentvolume-attach-detach-controller,\
             -ttl-controller"
                .into(),
        ]
    }

    pub fn scheduler(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.folder.join("scheduler.kubeconfig").display()),
            "--leader-elect=false".into(),
            "--secure-port=0".into(),
        ]
    }

    pub fn kwok(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.folder.join("kwok.kubeconfig").display()),
            "--manage-all-nodes=true".into(),
            format!("--config={}", self.folder.join("stages.yaml").display()),
        ]
    }
}

/// The objects that the harness creates for a spec's nodes.
pub fn nodes(spec: &ClusterSpec) -> Vec<serde_json::Value> {
    let node = |n: u32| {
        let name = format!("{}-node-{n}", spec.name);
        let mut labels = serde_json::Map::new();
        for (key, value) in [
            ("kubernetes.io/hostname", name.as_str()),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
            ("topology.kubernetes.io/zone", ["a", "b", "c"][n as usize % 3]),
        ] {
            labels.insert(key.to_owned(), value.into());
        }
        for (key, value) in &spec.node_labels {
            labels.insert(key.clone(), value.as_str().into());
        }
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "status": {"nodeInfo": {
                "kubeletVersion": spec.kubelet_version, "architecture": "amd64", "bootID": "",
                "containerRuntimeVersion": "kwok", "kernelVersion": "kwok", "kubeProxyVersion": "",
                "machineID": "", "operatingSystem": "linux", "osImage": "kwok", "systemUUID": "",
            }},
        })
    };
    (1..=spec.nodes).map(node).collect()
}
