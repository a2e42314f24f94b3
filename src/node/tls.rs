//! TLS with a node's server, inside the connection to its pod.
//!
//! The certificate chain of the server must lead to the CA, but its name is not verified: the API
//! server connects to that exact pod, and the certificates of charts and operators name
//! Services, not pods.

use super::line::{Line, Stream};
use crate::error::Error;
use futures::FutureExt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, InconsistentKeys,
    InvalidMessage, RootCertStore, SignatureScheme,
};

/// The hint if a server may not use TLS.
pub const IF_PLAIN: &str = "if the server does not use TLS, omit --tls";

/// All in PEM.
pub struct Certificates {
    /// The Secret's name, for messages.
    pub secret: String,
    pub ca: String,
    /// Certificate and key, for servers that require a client certificate.
    pub client: Option<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    /// The Secret of the CA; none if no certificate is verified.
    secret: Option<String>,
}

impl Tls {
    /// Encrypts, but does not verify the server's certificate.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn unchecked() -> Result<Self, Error> {
        Self::of(Verifier::new(None)?, None, None)
    }

    /// Verifies that the server's certificate is signed by the CA.
    ///
    /// # Errors
    /// If a certificate or key cannot be parsed.
    pub fn checked(certificates: &Certificates) -> Result<Self, Error> {
        let bad = |what| Error::user(format!("secret \"{}\": {what}", certificates.secret));
        let verifier = Verifier::new(Some(roots(&certificates.ca).map_err(bad)?))?;
        let client = certificates.client.as_ref().map(|pair| client_certificate(&verifier.provider, pair));
        Self::of(verifier, client.transpose().map_err(bad)?, Some(certificates.secret.clone()))
    }

    fn of(verifier: Verifier, client: Option<CertifiedKey>, secret: Option<String>) -> Result<Self, Error> {
        let builder = ClientConfig::builder_with_provider(verifier.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match client {
            Some(client) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(client))),
            None => builder.with_no_client_auth(),
        };
        // All nodes have the same name here, so sessions of different nodes would be mixed up.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), secret })
    }

    /// The hint if the server closes the connection without a reason.
    pub fn advice(&self) -> Option<&'static str> {
        let advice = "if the server requires a client certificate, add tls.crt and tls.key to the Secret given with --tls-secret";
        (!self.has_client_certificate()).then_some(advice)
    }

    fn has_client_certificate(&self) -> bool {
        self.config.client_auth_cert_resolver.has_certs()
    }

    /// Wraps a connection to a server. redis-cli in a pod does TLS itself.
    ///
    /// # Errors
    /// If the server does not use TLS, or either side rejects the other.
    pub async fn wrap(&self, line: Line) -> Result<Line, Error> {
        let (stream, trouble) = match line {
            Line::Server { stream, trouble } => (stream, trouble),
            cli @ Line::Cli { .. } => return Ok(cli),
        };
        // An IP address sends no SNI; the name is not verified.
        let no_name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let session = match TlsConnector::from(self.config.clone()).connect(no_name, stream).await {
            Ok(session) => session,
            Err(error) => {
                return Err(match tls_error(&error) {
                    Some(error) => self.refusal(error),
                    None => broken(&error, trouble.await),
                });
            }
        };
        // Since TLS 1.3, the server verifies the client certificate after the handshake.
        let (sender, mut receiver) = oneshot::channel();
        let (reader, writer) = tokio::io::split(session);
        let stream: Box<dyn Stream> = Box::new(tokio::io::join(AlertReader { reader, error: Some(sender) }, writer));
        let tls = self.clone();
        let trouble = async move {
            match receiver.try_recv() {
                Ok(error) => Some(tls.wording(&error)),
                Err(_) => trouble.await,
            }
        };
        Ok(Line::Server { stream, trouble: trouble.boxed() })
    }

    fn refusal(&self, error: &TlsError) -> Error {
        let refusal = Error::user(self.wording(error));
        match error {
            // Until TLS 1.2, a missing client certificate is a generic handshake failure.
            TlsError::AlertReceived(AlertDescription::HandshakeFailure) => {
                self.advice().into_iter().fold(refusal, Error::hint)
            }
            _ => refusal,
        }
    }

    fn wording(&self, error: &TlsError) -> String {
        match error {
            TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "the server does not use TLS: omit --tls".into()
            }
            TlsError::InvalidCertificate(error) => self.wording_of_certificate(error),
            TlsError::AlertReceived(AlertDescription::CertificateRequired) => match &self.secret {
                Some(name) => {
                    format!("the server requires a client certificate: add tls.crt and tls.key to secret \"{name}\"")
                }
                None => "the server requires a client certificate: name a Secret that has one with --tls-secret".into(),
            },
            TlsError::AlertReceived(alert) if self.has_client_certificate() => {
                format!("the server rejected the client certificate or the connection: {alert:?}")
            }
            other => format!("TLS with the server failed: {other}"),
        }
    }

    fn wording_of_certificate(&self, error: &CertificateError) -> String {
        match (error, &self.secret) {
            (CertificateError::UnknownIssuer | CertificateError::BadSignature, Some(name)) => {
                format!("the server's certificate is not signed by the CA in secret \"{name}\"")
            }
            (CertificateError::Expired, _) => "the server's certificate has expired".into(),
            (CertificateError::ExpiredContext { not_after, .. }, _) => {
                format!("the server's certificate expired on {}", date(*not_after))
            }
            (CertificateError::NotValidYetContext { not_before, .. }, _) => {
                format!("the server's certificate is not valid before {}", date(*not_before))
            }
            (
                CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
                _,
            ) => unsuitable("unsupported signature algorithm"),
            (CertificateError::Other(error), _) => unsuitable(readable(&error.to_string())),
            (other, _) => unsuitable(&other.to_string()),
        }
    }
}

fn unusable(error: impl std::fmt::Display) -> Error {
    Error::user(format!("cannot set up TLS: {error}"))
}

fn broken(error: &io::Error, trouble: Option<String>) -> Error {
    let text = || format!("connection lost during the TLS handshake: {}", error.kind());
    trouble.map_or_else(|| Error::user(text()).hint(IF_PLAIN), Error::user)
}

fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in chain("ca.crt", pem)? {
        roots.add(certificate).map_err(|error| format!("\"ca.crt\" is not a CA certificate: {error}"))?;
    }
    Ok(roots)
}

/// The client certificate; only the server can verify it.
fn client_certificate(
    provider: &CryptoProvider,
    (certificate, key): &(String, String),
) -> Result<CertifiedKey, String> {
    let chain = chain("tls.crt", certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    let key = key.map_err(|_| "\"tls.key\" contains no PEM private key".to_owned())?;
    let key = provider.key_provider.load_private_key(key);
    let certified = CertifiedKey::new(chain, key.map_err(|error| format!("\"tls.key\" cannot be used: {error}"))?);
    match certified.keys_match() {
        Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("\"tls.key\" is not the key of \"tls.crt\"".into())
        }
        _ => Ok(certified),
    }
}

fn chain(key: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    certificates.ok_or_else(|| format!("\"{key}\" contains no PEM certificate"))
}

fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.strftime("%F").to_string())
}

fn unsuitable(why: &str) -> String {
    format!("the server's certificate cannot be checked: {why}")
}

/// Clearer messages for certificates that OpenSSL would accept.
fn readable(error: &str) -> &str {
    match error {
        "UnsupportedCertVersion" => "it is X.509 version 1, not 3; redis-cli may accept it: --via exec",
        "CaUsedAsEndEntity" => "it is a CA certificate, not a server certificate",
        other => other,
    }
}

/// Reports why TLS ended: the Redis client on top of it only sees a lost
/// connection.
struct AlertReader<R> {
    reader: R,
    error: Option<oneshot::Sender<TlsError>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for AlertReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.reader).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read
            && let Some(error) = tls_error(error)
            && let Some(sender) = this.error.take()
        {
            // The receiver may be gone.
            let _ = sender.send(error.clone());
        }
        read
    }
}

/// Accepts certificates of the CA with any name, or without a CA all certificates. In both cases
/// the server must have the certificate's key.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    ca: Option<Arc<WebPkiServerVerifier>>,
}

impl Verifier {
    fn new(roots: Option<RootCertStore>) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = |roots| WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let ca = roots.map(verifier).transpose().map_err(unusable)?;
        Ok(Self { provider, ca })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(ca) = &self.ca else { return Ok(ServerCertVerified::assertion()) };
        match ca.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is verified last: everything else is valid.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(ca: &str, client: Option<(&str, &str)>) -> String {
        let client = client.map(|(certificate, key)| (certificate.into(), key.into()));
        let certificates = Certificates { secret: "x".into(), ca: ca.into(), client };
        Tls::checked(&certificates).expect_err("it is no certificate").to_string()
    }

    /// A CA whose key was deleted.
    const CA: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBMDCB46ADAgECAhQ9wPDO2kbjbTI28ON2UwOTNJi3HzAFBgMrZXAwDTELMAkG\n\
A1UEAwwCY2EwIBcNMjYxMTI1MjE0NTM4WhgPMjEyNjExMDEyMTQ1MzhaMA0xCzAJ\n\
BgNVBAMMAmNhMCowBQYDK2VwAyEAId/PvHzmP4cYWYf5wWU9ZN5VLHpINeSv5huR\n\
HDtBcnmjUzBRMB0GA1UdDgQWBBQfN28tCORYTOrzjPzjN8TAddgdXjAfBgNVHSME\n\
GDAWgBQfN28tCORYTOrzjPzjN8TAddgdXjAPBgNVHRMBAf8EBTADAQH/MAUGAytl\n\
cANBADDovin//IaKvM3lTgxws5umwZxmXdbHcQTOMGnUfpNbYiDL6iqhxo5z7Bbz\n\
MnMxzxmhhHgqd0naILfCEkaokAQ=\n\
-----END CERTIFICATE-----\n\
";
    const GARBAGE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in
            ["", "a", "-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----"]
        {
            assert_eq!(refused(pem, None), "secret \"x\": \"ca.crt\" contains no PEM certificate", "{pem:?}");
        }
        let refusal = refused(GARBAGE, None);
        assert!(refusal.starts_with("secret \"x\": \"ca.crt\" is not a CA certificate: "), "{refusal}");
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert_eq!(refused(CA, Some(("", ""))), "secret \"x\": \"tls.crt\" contains no PEM certificate");
        assert_eq!(refused(CA, Some((CA, CA))), "secret \"x\": \"tls.key\" contains no PEM private key");
        let garbage = refused(CA, Some((CA, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")));
        assert!(garbage.starts_with("secret \"x\": \"tls.key\" cannot be used: "), "{garbage}");
    }

    #[test]
    fn without_a_secret_there_is_no_client_certificate() {
        assert!(Tls::unchecked().expect("nothing is needed").advice().is_some());
    }
}
