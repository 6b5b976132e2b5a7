//! Who is asked which vulnerabilities an image has: the list `scans` of `pipelines/sources.yaml`. How each is
//! asked is for `adapter`, what they answer for `scan`.

use crate::yaml::{Node, Spanned};

/// A source of scans.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScanSource {
    /// Reports that scanners wrote, as files.
    Files(ScanFiles),
    /// A Trivy server: told the packages of a bill of materials, it says what is wrong with them.
    Trivy(ScanServer),
    /// JFrog Xray.
    Xray(ScanServer),
    /// Harbor, of the images that it keeps.
    Harbor(ScanHarbor),
    /// OSV, by the packages of a bill of materials.
    Osv(ScanAddress),
    /// Attestations that are attached to the image in its registry.
    Attestations(ScanAttestations),
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev(ScanAddress),
}

/// Reports as files.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanFiles {
    /// The folder, relative to the root of the repository; folders below are read too.
    pub folder: Spanned<String>,
}

/// A server that is asked with a token.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanServer {
    /// Its address, such as `https://trivy.example.com` or `https://example.jfrog.io/xray`.
    pub address: Spanned<String>,
    /// What lets this program in: `{secretRef: ...}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Node>,
}

/// A Harbor.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanHarbor {
    /// Its address, such as `https://harbor.example.com`.
    pub address: Spanned<String>,
    /// The host by which images name it; that of the address if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<Spanned<String>>,
    /// Who asks: a user or a robot account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Spanned<String>>,
    /// Its password: `{secretRef: ...}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Node>,
}

/// Something public, or a copy of it.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanAddress {
    /// The address that is asked; that of its makers if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Spanned<String>>,
}

/// Attestations in registries.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanAttestations {}

impl ScanSource {
    /// Its word in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::Trivy(_) => "trivy",
            Self::Xray(_) => "xray",
            Self::Harbor(_) => "harbor",
            Self::Osv(_) => "osv",
            Self::Attestations(_) => "attestations",
            Self::Kev(_) => "kev",
        }
    }

    /// The address that it says, if it says one.
    pub fn address(&self) -> Option<&Spanned<String>> {
        match self {
            Self::Trivy(server) | Self::Xray(server) => Some(&server.address),
            Self::Harbor(harbor) => Some(&harbor.address),
            Self::Osv(public) | Self::Kev(public) => public.address.as_ref(),
            Self::Files(_) | Self::Attestations(_) => None,
        }
    }

    /// What it says to be let in.
    pub fn secret(&self) -> Option<&Node> {
        match self {
            Self::Trivy(server) | Self::Xray(server) => server.token.as_ref(),
            Self::Harbor(harbor) => harbor.password.as_ref(),
            _ => None,
        }
    }
}
