//! TLS with a node's server, inside the line that leads to it.
//!
//! The chain of the server's certificate must lead to the CA, but its name does not
//! count: the API server leads to that very pod, and the certificates of charts and
//! operators name Services, not pods.

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

/// What helps where a server may be a plain one.
pub const IF_PLAIN: &str = "if the server does not speak TLS, leave --tls out";

/// The certificates of a Secret, in PEM.
pub struct Certificates {
    /// The Secret's name.
    pub secret: String,
    /// The CA that the servers' certificates must be of.
    pub ca: String,
    /// Our certificate and its key, for servers that ask for one.
    pub client: Option<(String, String)>,
}

/// How to speak TLS with the nodes of a cluster.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    /// The Secret that the CA is of; none where no certificate is checked.
    secret: Option<String>,
}

impl Tls {
    /// Encrypted, with whoever is there: the server's certificate is not checked.
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn unchecked() -> Result<Self, Error> {
        Self::of(Verifier::new(None)?, None, None)
    }

    /// With servers whose certificate is of the CA.
    ///
    /// # Errors
    /// When what should be certificates or a key is none.
    pub fn checked(certificates: &Certificates) -> Result<Self, Error> {
        let bad = |what| Error::user(format!("secret \"{}\": {what}", certificates.secret));
        let verifier = Verifier::new(Some(roots(&certificates.ca).map_err(bad)?))?;
        let client = certificates.client.as_ref().map(|pair| shown(&verifier.provider, pair));
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
        // All nodes go by the same name here: a session of one is none of another.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), secret })
    }

    /// What may help where the server ends the connection without a good word.
    pub fn advice(&self) -> Option<&'static str> {
        let advice =
            "if the server asks for a client certificate, put tls.crt and tls.key into the Secret of --tls-secret";
        (!self.has_client_certificate()).then_some(advice)
    }

    fn has_client_certificate(&self) -> bool {
        self.config.client_auth_cert_resolver.has_certs()
    }

    /// The same line, inside TLS. Where a redis-cli is at its end, that one speaks it.
    ///
    /// # Errors
    /// When the server speaks no TLS, or either side does not accept the other.
    pub async fn wrap(&self, line: Line) -> Result<Line, Error> {
        let (stream, trouble) = match line {
            Line::Server { stream, trouble } => (stream, trouble),
            cli @ Line::Cli { .. } => return Ok(cli),
        };
        // No server is asked for by an address: the certificate's name does not count.
        let nobody = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let session = match TlsConnector::from(self.config.clone()).connect(nobody, stream).await {
            Ok(session) => session,
            Err(error) => {
                return Err(match tls_error(&error) {
                    Some(error) => self.refusal(error),
                    None => broken(&error, trouble.await),
                });
            }
        };
        // Since TLS 1.3 the server looks at our certificate after the handshake.
        let (said, mut heard) = oneshot::channel();
        let (reader, writer) = tokio::io::split(session);
        let stream: Box<dyn Stream> = Box::new(tokio::io::join(AlertReader { reader, said: Some(said) }, writer));
        let tls = self.clone();
        let trouble = async move {
            match heard.try_recv() {
                Ok(error) => Some(tls.wording(&error)),
                Err(_) => trouble.await,
            }
        };
        Ok(Line::Server { stream, trouble: trouble.boxed() })
    }

    /// Why there is no session.
    fn refusal(&self, error: &TlsError) -> Error {
        let refusal = Error::user(self.wording(error));
        match error {
            // Until TLS 1.2 a missing certificate is a handshake that fails like any other.
            TlsError::AlertReceived(AlertDescription::HandshakeFailure) => {
                self.advice().into_iter().fold(refusal, Error::hint)
            }
            _ => refusal,
        }
    }

    fn wording(&self, error: &TlsError) -> String {
        match error {
            TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "the server does not speak TLS: leave --tls out".into()
            }
            TlsError::InvalidCertificate(error) => self.wording_of_certificate(error),
            TlsError::AlertReceived(AlertDescription::CertificateRequired) => match &self.secret {
                Some(name) => {
                    format!("the server asks for a client certificate: add tls.crt and tls.key to secret \"{name}\"")
                }
                None => "the server asks for a client certificate: name a Secret that has one with --tls-secret".into(),
            },
            TlsError::AlertReceived(alert) if self.has_client_certificate() => {
                format!("the server does not accept us or our client certificate: {alert:?}")
            }
            other => format!("no TLS with the server: {other}"),
        }
    }

    fn wording_of_certificate(&self, error: &CertificateError) -> String {
        match (error, &self.secret) {
            (CertificateError::UnknownIssuer | CertificateError::BadSignature, Some(name)) => {
                format!("the server's certificate is not of the CA in secret \"{name}\"")
            }
            (CertificateError::Expired, _) => "the server's certificate has expired".into(),
            (CertificateError::ExpiredContext { not_after, .. }, _) => {
                format!("the server's certificate expired on {}", date(*not_after))
            }
            (CertificateError::NotValidYetContext { not_before, .. }, _) => {
                format!("the server's certificate is valid from {} only", date(*not_before))
            }
            (
                CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
                _,
            ) => unsuitable("its signature's algorithm is not supported"),
            (CertificateError::Other(error), _) => unsuitable(readable(&error.to_string())),
            (other, _) => unsuitable(&other.to_string()),
        }
    }
}

fn unusable(error: impl std::fmt::Display) -> Error {
    Error::user(format!("cannot speak TLS: {error}"))
}

fn broken(error: &io::Error, trouble: Option<String>) -> Error {
    let text = || format!("the connection broke in the TLS handshake: {}", error.kind());
    trouble.map_or_else(|| Error::user(text()).hint(IF_PLAIN), Error::user)
}

fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in chain("ca.crt", pem)? {
        roots.add(certificate).map_err(|error| format!("\"ca.crt\" is not of a CA: {error}"))?;
    }
    Ok(roots)
}

/// What is shown to servers that ask for it: whether it is good is for them to say.
fn shown(provider: &CryptoProvider, (certificate, key): &(String, String)) -> Result<CertifiedKey, String> {
    let chain = chain("tls.crt", certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    let key = key.map_err(|_| "\"tls.key\" holds no private key in PEM".to_owned())?;
    let key = provider.key_provider.load_private_key(key);
    let shown = CertifiedKey::new(chain, key.map_err(|error| format!("\"tls.key\" cannot be used: {error}"))?);
    match shown.keys_match() {
        Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("\"tls.key\" is not the key of \"tls.crt\"".into())
        }
        _ => Ok(shown),
    }
}

fn chain(key: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    certificates.ok_or_else(|| format!("\"{key}\" holds no certificate in PEM"))
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

/// What can be said better of certificates that OpenSSL would take.
fn readable(error: &str) -> &str {
    match error {
        "UnsupportedCertVersion" => "it is of X.509 version 1, not 3; redis-cli may take it: --via exec",
        "CaUsedAsEndEntity" => "it is that of a CA, not of a server",
        other => other,
    }
}

/// Hands on what is read, and says why TLS ended: whoever speaks Redis over it only sees
/// a connection that broke.
struct AlertReader<R> {
    reader: R,
    said: Option<oneshot::Sender<TlsError>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for AlertReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.reader).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read
            && let Some(error) = tls_error(error)
            && let Some(said) = this.said.take()
        {
            // Nobody may want to know any more.
            let _ = said.send(error.clone());
        }
        read
    }
}

/// Whom to speak with: whoever has a certificate of the CA, whatever its name, or anybody.
/// Both must have the key of the certificate that they show.
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
            // The name is looked at last: everything else is in order.
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

    /// Of a CA of which nobody has the key.
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
            assert_eq!(refused(pem, None), "secret \"x\": \"ca.crt\" holds no certificate in PEM", "{pem:?}");
        }
        let refusal = refused(GARBAGE, None);
        assert!(refusal.starts_with("secret \"x\": \"ca.crt\" is not of a CA: "), "{refusal}");
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert_eq!(refused(CA, Some(("", ""))), "secret \"x\": \"tls.crt\" holds no certificate in PEM");
        assert_eq!(refused(CA, Some((CA, CA))), "secret \"x\": \"tls.key\" holds no private key in PEM");
        let garbage = refused(CA, Some((CA, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")));
        assert!(garbage.starts_with("secret \"x\": \"tls.key\" cannot be used: "), "{garbage}");
    }

    #[test]
    fn without_a_secret_there_is_nothing_to_show() {
        assert!(Tls::unchecked().expect("nothing is needed").advice().is_some());
    }
}
