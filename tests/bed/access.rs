//! How others get at a cluster: names, kubeconfigs, clients, accounts, its audit
//! log. Its life and death are in `cluster.rs`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

use super::audit::{self, AuditEvent};
use super::cluster::Cluster;
use super::trouble::{Doing as _, Outcome};

impl Cluster {
    /// The name its spec gave it.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// UID of its `kube-system` namespace: what identifies a cluster.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Logs, audit log, kubeconfigs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `https://127.0.0.1:PORT` of the API server itself.
    pub fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Kubeconfig of a cluster administrator, straight to the API server.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// The same through the fault proxy.
    pub fn kubeconfig_via_proxy(&self) -> PathBuf {
        self.folder.join("proxied.kubeconfig")
    }

    /// A user without any rights beyond discovery.
    pub fn kubeconfig_of_nobody(&self) -> PathBuf {
        self.folder.join("nobody.kubeconfig")
    }

    /// A client of the administrator, straight to the API server. It belongs to
    /// the runtime of the caller. No retries; connect 5 s, read 30 s, write 10 s.
    pub async fn client(&self) -> Client {
        self.try_client("admin.kubeconfig").await.unwrap()
    }

    /// The same through the fault proxy.
    pub async fn client_via_proxy(&self) -> Client {
        self.try_client("proxied.kubeconfig").await.unwrap()
    }

    pub(super) async fn try_client(&self, file: &str) -> Outcome<Client> {
        let path = self.folder.join(file);
        let config = Kubeconfig::read_from(&path).doing(path.display())?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(config, &options).await;
        let mut config = config.doing(path.display())?;
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(5));
        config.write_timeout = Some(Duration::from_secs(10));
        config.read_timeout = Some(Duration::from_secs(30));
        config.reset_reader_on_write = true;
        config.proxy_url = None;
        Client::try_from(config).doing(path.display())
    }

    /// What the audit log says so far, oldest first. The end of a request is
    /// written just after its answer: see [`Cluster::audit_until`].
    pub fn audit(&self) -> Vec<AuditEvent> {
        audit::read(&self.folder.join("audit.log"))
    }

    /// Waits up to 10 s until the audit log has an event that `wanted` likes,
    /// and answers the first.
    pub async fn audit_until(&self, wanted: impl Fn(&AuditEvent) -> bool) -> Option<AuditEvent> {
        let begun = Instant::now();
        loop {
            let found = self.audit().into_iter().find(|e| wanted(e));
            if found.is_some() || begun.elapsed() > Duration::from_secs(10) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Makes a service account and a kubeconfig with its token (an hour), with
    /// the rights of a ClusterRole: one that the test made, or `view`, `edit`,
    /// `admin` in a complete cluster. A controller fills those three: with the API
    /// server alone they are empty, and `system:aggregate-to-view` serves instead.
    ///
    /// # Errors
    /// The namespace or the API server is not there.
    pub async fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
        cluster_role: &str,
    ) -> Outcome<PathBuf> {
        let client = self.try_client("admin.kubeconfig").await?;
        let apply = PatchParams::apply("bed").force();
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name},
        });
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
        let made = accounts.patch(name, &apply, &Patch::Apply(&account)).await;
        made.doing(format!("service account {namespace}/{name}"))?;
        let binding_name = format!("bed:{namespace}:{name}:{cluster_role}");
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": binding_name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_role},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
        });
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        let binding = Patch::Apply(&binding);
        let made = bindings.patch(&binding_name, &apply, &binding).await;
        made.doing(&binding_name)?;
        let asked = TokenRequest {
            spec: Some(TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() }),
            ..TokenRequest::default()
        };
        let token = accounts
            .create_token_request(name, &PostParams::default(), &asked)
            .await
            .doing(format!("token of {namespace}/{name}"))?;
        let token = token.status.and_then(|s| s.token).unwrap_or_default();
        let file = format!("account-{namespace}-{name}.kubeconfig");
        self.files().kubeconfig(&file, &self.spec.name, self.port, &token)?;
        Ok(self.folder.join(file))
    }

    /// Gives a Service of type LoadBalancer its address, which no cloud does here.
    ///
    /// # Errors
    /// The Service is not there.
    pub async fn give_address(&self, namespace: &str, service: &str, ip: &str) -> Outcome<()> {
        let client = self.try_client("admin.kubeconfig").await?;
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"}]}}});
        let api: Api<Service> = Api::namespaced(client, namespace);
        api.patch_status(service, &PatchParams::default(), &Patch::Merge(&status))
            .await
            .doing(format!("address of {namespace}/{service}"))?;
        Ok(())
    }
}
