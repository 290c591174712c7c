//! Encryption, and how far the server is believed.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{OpenError, PostgresConfig, SslMode};

/// What connections are encrypted with; `None` for not at all.
pub(crate) fn connector(config: &PostgresConfig) -> Result<Option<MakeRustlsConnect>, OpenError> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let client = match config.ssl_mode {
        SslMode::Disable => return Ok(None),
        SslMode::Prefer | SslMode::Require => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Lenient { provider, chain: None }))
            .with_no_client_auth(),
        SslMode::VerifyCa => {
            let roots = Arc::new(roots(config)?);
            let chain = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            let chain = Some(chain.build().map_err(|error| Error::General(error.to_string()))?);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lenient { provider, chain }))
                .with_no_client_auth()
        }
        SslMode::VerifyFull => builder.with_root_certificates(roots(config)?).with_no_client_auth(),
    };
    Ok(Some(MakeRustlsConnect::new(client)))
}

fn roots(config: &PostgresConfig) -> Result<RootCertStore, OpenError> {
    let mut store = RootCertStore::empty();
    if let Some(path) = &config.root_certificates {
        add_file(&mut store, path)
            .map_err(|source| OpenError::RootCertificates { path: path.clone(), source })?;
        return Ok(store);
    }
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() { Err(OpenError::NoSystemCertificates) } else { Ok(store) }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    for certificate in CertificateDer::pem_slice_iter(&fs::read(path)?) {
        store.add(certificate?)?;
    }
    if store.is_empty() { Err("the file holds no certificate".into()) } else { Ok(()) }
}

/// Asks less of a certificate than TLS on the web does: nothing, or any name of a known authority.
/// That the server holds the certificate's key is always asked.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last, after the chain, the dates and the purpose.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
