//! Certificates: authorities that only one host has, and a certificate that this program shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tidegate::adapter::web::{Ask, Settings, Trust, Web};
use tidegate::port::Secret;
use tidegate::port::upstream::Silence;
use tokio_rustls::TlsAcceptor;

use super::fake::{Fake, Reply};
use super::web::quick;

/// An authority, a server that wants certificates of it, and one such certificate.
struct Pki {
    authority: String,
    acceptor: TlsAcceptor,
    client: String,
}

fn pki() -> Pki {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let made = |names: &[&str], usage| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (certificate, key)
    };
    let (server, server_key) = made(&["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let (client, client_key) = made(&["tidegate"], ExtendedKeyUsagePurpose::ClientAuth);
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from(server.der().to_vec())],
            PrivatePkcs8KeyDer::from(server_key.serialize_der()).into(),
        )
        .unwrap();
    Pki {
        authority: authority.pem(),
        acceptor: TlsAcceptor::from(Arc::new(config)),
        client: format!("{}{}", client.pem(), client_key.serialize_pem()),
    }
}

async fn ask(fake: &Fake, trust: Option<Trust>) -> Result<Vec<u8>, Silence> {
    let web = Web::new(Settings { trusts: trust.into_iter().collect(), ..quick() });
    let ask = Ask::get(format!("https://{}/x", fake.name()).parse().unwrap());
    web.ask(ask).await.map(|answer| answer.body).map_err(|silence| silence.why)
}

#[tokio::test]
async fn a_host_with_its_own_authority_is_asked_with_a_certificate() {
    let pki = pki();
    let fake = Fake::secured(pki.acceptor.clone(), |_| Reply::new(200, "inside")).await;
    let whole = Trust {
        hosts: BTreeSet::from([fake.name()]),
        authorities: pki.authority.clone().into_bytes(),
        certificate: Some(Secret::new(pki.client.clone())),
    };
    assert_eq!(ask(&fake, Some(whole.clone())).await, Ok(b"inside".to_vec()));
    // Without the authority, without a certificate, or with both for another host, there is no connection.
    let unknown = Trust { authorities: Vec::new(), ..whole.clone() };
    let unshown = Trust { certificate: None, ..whole.clone() };
    let elsewhere = Trust { hosts: BTreeSet::from(["registry.example.com".to_owned()]), ..whole.clone() };
    for trust in [None, Some(unknown), Some(unshown), Some(elsewhere)] {
        assert_eq!(ask(&fake, trust).await, Err(Silence::Unreachable));
    }
    assert_eq!(fake.seen().len(), 1);
    let bent = Trust {
        authorities: b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".to_vec(),
        ..whole
    };
    assert_eq!(ask(&fake, Some(bent)).await, Err(Silence::Invalid));
}
