//! The certificates of one run: a CA, one server certificate that all API
//! servers and fault proxies show, and the key that signs service accounts'
//! tokens. Users are told apart by tokens, not by certificates, since those
//! would not pass the fault proxy.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::trouble::{Doing as _, Outcome};

/// Paths for processes, bytes for kubeconfigs and the proxy.
pub struct Pki {
    pub ca: PathBuf,
    pub ca_pem: String,
    pub server_cert: PathBuf,
    pub server_key: PathBuf,
    pub server_cert_der: Vec<u8>,
    pub server_key_der: Vec<u8>,
    pub ca_der: Vec<u8>,
    pub accounts_key: PathBuf,
    pub accounts_public: PathBuf,
}

impl Pki {
    /// Makes everything anew below `folder`.
    pub fn generate(folder: &Path) -> Outcome<Self> {
        fs::create_dir_all(folder).doing(folder.display())?;
        let write = |name: &str, text: &str| -> Outcome<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, text).doing(path.display())?;
            Ok(path)
        };
        let mut ca = CertificateParams::new(Vec::<String>::new()).doing("CA")?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "tidegate bed");
        ca.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate().doing("CA key")?;
        let ca_cert = ca.self_signed(&ca_key).doing("CA")?;
        let issuer = Issuer::new(ca, ca_key);

        let names = [
            "127.0.0.1",
            "10.96.0.1",
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
        ];
        let mut server = CertificateParams::new(names.map(str::to_owned).to_vec()).doing("names")?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().doing("server key")?;
        let cert = server.signed_by(&key, &issuer).doing("server certificate")?;
        let accounts = KeyPair::generate().doing("service account key")?;
        Ok(Self {
            ca: write("ca.crt", &ca_cert.pem())?,
            ca_pem: ca_cert.pem(),
            ca_der: ca_cert.der().to_vec(),
            server_cert: write("server.crt", &cert.pem())?,
            server_key: write("server.key", &key.serialize_pem())?,
            server_cert_der: cert.der().to_vec(),
            server_key_der: key.serialize_der(),
            accounts_key: write("accounts.key", &accounts.serialize_pem())?,
            accounts_public: write("accounts.pub", &accounts.public_key_pem())?,
        })
    }
}
