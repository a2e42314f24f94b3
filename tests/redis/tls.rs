//! Real servers that speak TLS, at 127.1.0.x, with certificates that `openssl` makes on
//! the spot.

use super::servers::{Tcp, until};
use kubectl_redis_cluster::cluster::snapshot::Member;
use kubectl_redis_cluster::context::{Context, TlsOptions};
use kubectl_redis_cluster::error::Error;
use kubectl_redis_cluster::k8s::client::Server as ApiServer;
use kubectl_redis_cluster::k8s::dial::redis_cli;
use kubectl_redis_cluster::k8s::flags::ConnectionFlags;
use kubectl_redis_cluster::k8s::members::{Candidate, Password};
use kubectl_redis_cluster::k8s::server_container::{ClientPort, ServerChoice};
use kubectl_redis_cluster::node::connection::Credentials;
use kubectl_redis_cluster::node::dial::{Target, Via};
use kubectl_redis_cluster::node::tls::{Certificates, Tls};
use kubectl_redis_cluster::ops::ask::texts;
use kubectl_redis_cluster::ops::questions::Scope;
use kubectl_redis_cluster::ops::tell::tell;
use std::fs::read_to_string;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A CA and what it has issued.
struct Authority(tempfile::TempDir);

impl Authority {
    fn new() -> Self {
        let authority = Self(tempfile::tempdir().expect("a folder"));
        authority.openssl(&format!("req -x509 {NEW_KEY} -keyout ca.key -out ca.crt -days 2 -subj /CN=ca"));
        authority
    }

    /// A certificate for some Service: as charts make them, not for the pod's address.
    fn issue(&self, name: &str, days: u32) {
        self.openssl(&format!(
            "req {NEW_KEY} -keyout {name}.key -out {name}.csr -subj /CN={name} -addext subjectAltName=DNS:{name}.example"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -copy_extensions copy -days {days} -out {name}.crt"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(arguments.split(' ')).current_dir(self.0.path()).output();
        let output = output.expect("install openssl: apt-get install openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn read(&self, file: &str) -> String {
        read_to_string(self.0.path().join(file)).expect("it was made")
    }

    /// The TLS settings that a Secret with this CA gives.
    fn tls(&self, client: Option<&str>) -> Tls {
        let client = client.map(|name| (self.read(&format!("{name}.crt")), self.read(&format!("{name}.key"))));
        let certificates = Certificates { secret: "x".into(), ca: self.read("ca.crt"), client };
        Tls::checked(&certificates).expect("openssl made them")
    }
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
const FOR_TLS: &str = "--port 0 --tls-port 6379 --tls-ca-cert-file ca.crt";

/// A redis-server of a cluster of its own.
struct Server {
    child: Child,
    target: Target,
}

impl Server {
    fn start(folder: &Path, address: &str, arguments: &str) -> Self {
        let mut server = Command::new("redis-server");
        server.args(arguments.split(' ')).args(["--bind", address, "--cluster-enabled", "yes", "--save", ""]);
        server.args(["--cluster-config-file", &format!("nodes-{address}.conf")]);
        let child = server.current_dir(folder).stdout(Stdio::null()).spawn();
        let child = child.expect("install redis-server: apt-get install redis-server");
        let target = Target { pod: address.into(), container: String::new(), port: 6379, tls: None };
        let mut started = Self { child, target };
        until(10, "the server to listen", || std::net::TcpStream::connect((address, 6379)).is_ok());
        let ended = started.child.try_wait().expect("a child");
        assert!(ended.is_none(), "another server has its address, or its options are wrong");
        started
    }

    /// With a certificate of the authority's.
    fn of(authority: &Authority, address: &str, certificate: &str, more: &str) -> Self {
        let files = format!("--tls-cert-file {certificate}.crt --tls-key-file {certificate}.key");
        Self::start(authority.0.path(), address, &format!("{FOR_TLS} {files} {more}"))
    }

    fn target(&self, tls: Option<Tls>) -> Target {
        Target { tls, ..self.target.clone() }
    }

    /// What the node says of itself, or all that a user hears instead.
    fn ask(&self, tls: Option<Tls>) -> String {
        ask(&self.target(tls))
    }

    /// What the redis-cli says that runs in a pod.
    fn ask_by_exec(&self, tls: Option<Tls>) -> (String, String) {
        let words = redis_cli(&self.target(tls));
        // There the server listens on the address that redis-cli takes by itself.
        let words: Vec<_> =
            words.iter().map(|word| word.replace("-p \"$0\"", &format!("-h {} -p \"$0\"", self.target.pod))).collect();
        let mut cli = Command::new(&words[0]);
        cli.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = cli.spawn().expect("a shell");
        child.stdin.take().expect("piped").write_all(b"PING\nECHO a\n").expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        (text(output.stdout), text(output.stderr))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most that a node is ever asked.
fn ask(target: &Target) -> String {
    block_on(async {
        let (credentials, late) = (Credentials::default(), |_| Err(Error::user("no answer")));
        let asked = texts(&Tcp, (target, Via::Auto), &credentials, Scope::AllAndKeys);
        let answer = tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap_or_else(late);
        answer.map_or_else(|error| spoken(&error), |texts| texts.nodes)
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn spoken(error: &Error) -> String {
    std::iter::once(error.to_string()).chain(error.hints().iter().cloned()).collect::<Vec<_>>().join("; ")
}

fn unchecked() -> Tls {
    Tls::unchecked().expect("nothing is needed")
}

#[test]
fn a_certificate_of_the_ca_is_enough_whatever_its_name() {
    let (ours, other) = (Authority::new(), Authority::new());
    ours.issue("redis", 1);
    let server = Server::of(&ours, "127.1.0.1", "redis", "--tls-auth-clients no");
    for tls in [unchecked(), ours.tls(None)] {
        let said = server.ask(Some(tls));
        assert!(said.contains("myself,master"), "{said}");
    }
    assert_eq!(server.ask(Some(other.tls(None))), "the server's certificate is not signed by the CA in secret \"x\"");
}

#[test]
fn the_rest_of_the_certificate_counts() {
    let authority = Authority::new();
    authority.issue("old", 0);
    let server = Server::of(&authority, "127.1.0.2", "old", "--tls-auth-clients no");
    until(5, "the certificate to expire", || {
        server.ask(Some(authority.tls(None))).starts_with("the server's certificate expired on 20")
    });
    assert!(server.ask(Some(unchecked())).contains("myself,master"));
    let own = Server::of(&authority, "127.1.0.11", "ca", "--tls-auth-clients no");
    assert_eq!(
        own.ask(Some(authority.tls(None))),
        "the server's certificate cannot be checked: it is a CA certificate, not a server certificate"
    );
}

#[test]
fn a_server_may_ask_for_a_certificate() {
    let (ours, other) = (Authority::new(), Authority::new());
    for (authority, name) in [(&ours, "redis"), (&ours, "client"), (&other, "client")] {
        authority.issue(name, 1);
    }
    let server = Server::of(&ours, "127.1.0.3", "redis", "--tls-auth-clients yes");
    let old = Server::of(&ours, "127.1.0.4", "redis", "--tls-auth-clients yes --tls-protocols TLSv1.2");
    for server in [&server, &old] {
        assert!(server.ask(Some(ours.tls(Some("client")))).contains("myself,master"));
    }
    assert_eq!(
        server.ask(Some(unchecked())),
        "the server requires a client certificate: name a Secret that has one with --tls-secret"
    );
    assert_eq!(
        server.ask(Some(ours.tls(None))),
        "the server requires a client certificate: add tls.crt and tls.key to secret \"x\""
    );
    let said = old.ask(Some(ours.tls(None)));
    assert!(said.ends_with("add tls.crt and tls.key to the Secret given with --tls-secret"), "{said}");
    let strangers = (other.read("client.crt"), other.read("client.key"));
    let mixed = Certificates { secret: "x".into(), ca: ours.read("ca.crt"), client: Some(strangers) };
    let said = server.ask(Some(Tls::checked(&mixed).expect("openssl made them")));
    assert_eq!(said, "the server rejected the client certificate or the connection: UnknownCA");
}

#[test]
fn who_speaks_the_other_way_hears_of_it() {
    let authority = Authority::new();
    authority.issue("redis", 1);
    let secure = Server::of(&authority, "127.1.0.5", "redis", "--tls-auth-clients no");
    let said = secure.ask(None);
    assert!(said.starts_with("connection lost: "), "{said}");
    assert!(said.ends_with("; if the server uses TLS, add --tls"), "{said}");
    let plain = Server::start(authority.0.path(), "127.1.0.6", "--port 6379");
    assert!(plain.ask(None).contains("myself,master"));
    // It waits for the end of the line that it takes the handshake for.
    let late = "cannot query 127.1.0.6: no response within 1s; if the server does not use TLS, omit --tls";
    assert_eq!(block_on(ping(&plain, 1)), Err(late.to_owned()));
    assert_eq!(block_on(ping(&secure, 30)), Ok("PONG".to_owned()));
}

/// What comes within so many seconds of a word to a node where the user wants TLS.
async fn ping(server: &Server, seconds: u64) -> Result<String, String> {
    let context = Context {
        server: ApiServer::nowhere(&ConnectionFlags::default()).expect("nothing is sent there"),
        dial: Box::new(Tcp),
        via: Via::Auto,
        ask_timeout: Duration::from_secs(seconds),
        redis_user: None,
        auth_secret: None,
        tls: Some(TlsOptions::default()),
        choice: ServerChoice::default(),
    };
    let member = Member { name: server.target.pod.clone(), ..Member::default() };
    let candidate =
        Candidate { member, target: Ok(server.target(None)), port: ClientPort::default(), password: Password::None };
    tell(&context, &candidate, 6379, &["PING"]).await.map_err(|error| spoken(&error))
}

/// Other servers answer, if only that they do not understand.
#[test]
fn a_server_that_answers_no_tls_is_told() {
    let listener = std::net::TcpListener::bind("127.1.0.7:6379").expect("free");
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody calls");
        stream.write_all(b"-NOAUTH Authentication required.\r\n").expect("it listens");
        stream
    });
    let target = Target { pod: "127.1.0.7".into(), container: String::new(), port: 6379, tls: Some(unchecked()) };
    assert_eq!(ask(&target), "the server does not use TLS: omit --tls");
    drop(answering.join());
}

#[test]
fn redis_cli_in_a_pod_speaks_tls_too() {
    let authority = Authority::new();
    authority.issue("redis", 1);
    let server = Server::of(&authority, "127.1.0.8", "redis", "--tls-auth-clients no");
    assert_eq!(server.ask_by_exec(Some(authority.tls(None))).0, "PONG\na");
    let strict = Server::of(&authority, "127.1.0.9", "redis", "--tls-auth-clients yes");
    for (server, tls) in [(&server, None), (&strict, Some(unchecked()))] {
        let (replies, complaint) = server.ask_by_exec(tls);
        assert!(replies.is_empty() && complaint.starts_with("Error: "), "{replies} {complaint}");
    }
    let plain = Server::start(authority.0.path(), "127.1.0.10", "--port 6379");
    assert_eq!(plain.ask_by_exec(None).0, "PONG\na");
}
