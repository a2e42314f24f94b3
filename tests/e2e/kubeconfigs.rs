//! Kubeconfigs whole and broken, and every connection flag: kubectl and the plugin both work, or
//! fail for the same reason, in the same words where kubectl's are not beaten.

use std::fs;
use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::{Namespace, program, run, until};

/// What both should do.
enum Both {
    Work,
    /// Fail with a first line that has this in it.
    Say(&'static str),
    /// The same: kubectl with all of the first, between which different versions put different words,
    /// and the plugin with the second.
    SayAll(&'static [&'static str], &'static str),
    /// Fail: kubectl with the first in it, the plugin with the second, which tells more.
    Differ(&'static str, &'static str),
}
use Both::{Differ, Say, SayAll, Work};

/// The name that was asked for; which ones the certificate is for, newer kubectls put otherwise.
const WRONG_NAME: Both =
    SayAll(&["tls: failed to verify certificate: x509: certificate is ", "example.com"], "not example.com");

/// Each list of files, with flags, and what comes of it.
const FILES: &[(&str, &[&str], Both)] = &[
    ("whole.yaml", &[], Work),
    ("nowhere.yaml:whole.yaml", &[], Work),
    ("contexts-only.yaml:clusters-and-users.yaml", &[], Work),
    // The first file's word counts.
    ("whole.yaml:other-context.yaml", &[], Work),
    ("other-context.yaml:whole.yaml", &[], Say("in the namespace \"krc-zoo-")),
    (
        "no-current-context.yaml",
        &[],
        Differ("localhost:8080 was refused", "error: the kubeconfig has no current context"),
    ),
    ("no-current-context.yaml", &["--context", "x"], Work),
    ("unknown-context.yaml", &[], Say("Error in configuration: context was not found for specified context: nowhere")),
    ("unknown-user.yaml", &[], Differ("error: EOF", "error: auth info \"nobody\" does not exist")),
    (
        "unknown-cluster.yaml",
        &[],
        Differ("localhost:8080 was refused", "error: no server found for cluster \"nowhere\""),
    ),
    ("relative-paths.yaml", &[], Work),
    ("missing-authority.yaml", &[], Say("/files/nowhere.crt for c due to open /")),
    ("missing-certificate.yaml", &[], Say("unable to read client-cert /")),
    ("expired-certificate.yaml", &[], Say("error: You must be logged in to the server")),
    (
        "expired-server.yaml",
        &[],
        Say(
            "Unable to connect to the server: tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
        ),
    ),
    (
        "wrong-authority.yaml",
        &[],
        Say(
            "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        ),
    ),
    ("tls-server-name.yaml", &[], Work),
    ("wrong-tls-server-name.yaml", &[], WRONG_NAME),
    ("insecure.yaml", &[], Work),
    ("proxy.yaml", &[], Work),
    ("dead-proxy.yaml", &[], Say("refused")),
    ("acts-as.yaml", &[], Say("Error from server (Forbidden)")),
    ("exec.yaml", &[], Work),
    (
        "exec-asks.yaml",
        &[],
        Say(
            "Unable to connect to the server: getting credentials: exec plugin cannot support interactive mode: standard input is not a terminal",
        ),
    ),
    (
        "exec-fails.yaml",
        &[],
        Say("Unable to connect to the server: getting credentials: exec: executable sh failed with exit code 3"),
    ),
    ("exec-fails.yaml", &[], Say("log in first")),
    (
        "exec-missing.yaml",
        &[],
        Say("Unable to connect to the server: getting credentials: exec: executable nowhere-auth-plugin not found"),
    ),
    ("exec-missing.yaml", &[], Say("Get it from your administrator")),
    ("not-yaml.yaml", &[], Say("/not-yaml.yaml\": yaml: line 3")),
    ("empty.yaml", &[], Differ("localhost:8080 was refused", "error: the kubeconfig has no current context")),
];

/// All of `kubectl options` but those of its own debugging.
const FLAGS: &[(&[&str], Both)] = &[
    (&["--kubeconfig", "WHOLE"], Work),
    (&["--kubeconfig", "/nowhere"], Say("error: stat /nowhere: no such file or directory")),
    (&["--context", "x"], Work),
    (&["--context=nowhere"], Say("Error in configuration: context was not found for specified context: nowhere")),
    (&["--cluster", "c"], Work),
    (&["--cluster", "nowhere"], Say("error: no server found for cluster \"nowhere\"")),
    (&["--user", "u"], Work),
    (&["--user", "nobody"], Say("error: auth info \"nobody\" does not exist")),
    (&["-n", "default"], Say("in the namespace \"default\"")),
    (&["-ndefault"], Say("in the namespace \"default\"")),
    (&["--namespace=default"], Say("in the namespace \"default\"")),
    (&["-A"], Say("at the cluster scope")),
    (&["-s", "REAL"], Work),
    (
        &["--server", "http://127.0.0.1:1"],
        Say("The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"),
    ),
    (&["-s", "https://nowhere.invalid"], Say("Unable to connect to the server: ")),
    (&["-s", "https://nowhere.invalid"], Say("lookup nowhere.invalid")),
    (&["-s", "https://nowhere.invalid"], Say("no such host")),
    (&["--certificate-authority", "FILES/ca.crt"], Work),
    (
        &["--certificate-authority", "/nowhere"],
        Say(
            "error: unable to read certificate-authority /nowhere for c due to open /nowhere: no such file or directory",
        ),
    ),
    (
        &["--certificate-authority", "FILES/token"],
        Say("error: unable to load root certificates: unable to parse bytes as PEM block"),
    ),
    (
        &["--certificate-authority", "FILES/expired.crt"],
        Say("tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    ),
    (&["--insecure-skip-tls-verify"], Work),
    (&["--insecure-skip-tls-verify=false"], Work),
    (
        &["--insecure-skip-tls-verify", "--certificate-authority", "FILES/ca.crt"],
        Say("error: specifying a root certificates file with the insecure flag is not allowed"),
    ),
    (&["--tls-server-name", "kubernetes.default"], Work),
    (&["--tls-server-name", "example.com"], WRONG_NAME),
    (&["--client-certificate", "FILES/expired.crt", "--client-key", "FILES/expired.key"], Work),
    (&["--client-certificate", "/nowhere"], Say("unable to read client-cert /nowhere for u due to open /nowhere")),
    (&["--token", "wrong"], Say("error: You must be logged in to the server (")),
    (&["--as", "somebody"], Say("cannot impersonate resource \"users\"")),
    (&["--as", "a", "--as-group", "b", "--as-group", "c"], Say("cannot impersonate resource")),
    (&["--as", "a", "--as-uid", "1"], Say("cannot impersonate resource")),
    // Known to kubectl 1.35 and newer.
    (&["--as", "a", "--as-user-extra", "b=c"], Differ("error", "cannot impersonate resource")),
    (&["--as-group", "b"], Say("without impersonating a user")),
    (&["--as-uid", "1"], Say("without impersonating a user")),
    (&["--as-user-extra", "a=b"], Differ("error", "without impersonating a user")),
    (&["--request-timeout", "30"], Work),
    (&["--request-timeout=1m"], Work),
    (&["--request-timeout", "soon"], Say("Invalid timeout value. Timeout must be a single integer in seconds, or")),
    (
        &["--request-timeout", "1s", "-s", "SILENT"],
        Differ("Unable to connect to the server: ", "error: timed out after 1s waiting for the API server at "),
    ),
    (&["--disable-compression"], Work),
    (&["--cache-dir", "FILES/cache"], Work),
    (&["-v=6"], Work),
    (&["--v", "8"], Work),
    (&["-v", "loud"], Say("invalid argument \"loud\" for \"-v, --v\" flag")),
    (&["--bogus"], Say("error: unknown flag: --bogus")),
    (
        &["-o", "bogus"],
        Say("error: unable to match a printer suitable for the output format \"bogus\", allowed formats are: "),
    ),
];

/// Files filled in for one API server and user, and the servers beside it.
struct Zoo {
    folder: PathBuf,
    /// Deleted at the end.
    _namespace: Namespace,
    through_proxy: Arc<AtomicUsize>,
    expired: Child,
    /// What stands for the words in capitals among the flags.
    words: Vec<(&'static str, String)>,
    /// Never answers.
    _silent: TcpListener,
}

impl Zoo {
    fn new(namespace: Namespace) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(&namespace.name);
        fs::create_dir_all(folder.join("files")).expect("a folder");
        let view = |path: &str| {
            let arguments = ["config", "view", "--raw", "--minify", "--flatten", "-o", path];
            run(program("kubectl").args(arguments)).ok()
        };
        let server = view("jsonpath={.clusters[0].cluster.server}");
        let authority = view("jsonpath={.clusters[0].cluster.certificate-authority-data}");
        let token = token(&namespace);
        let (proxy, through_proxy) = proxy();
        shell(&folder, EXPIRED);
        let port = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port").port();
        let expired_address = format!("127.0.0.1:{port}");
        let mut expired = program("openssl");
        expired.args(["s_server", "-quiet", "-www", "-cert", "expired.crt", "-key", "expired.key"]);
        expired.args(["-accept", &expired_address]).current_dir(folder.join("files"));
        let expired = expired.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("openssl runs");
        until(10, "the server with the old certificate", || TcpStream::connect(&expired_address).is_ok());

        let words = [
            ("SERVER", server.as_str()),
            ("AUTHORITY", &authority),
            ("TOKEN", &token),
            ("PROXY", &proxy),
            ("EXPIRED", &expired_address),
            ("NAMESPACE", &namespace.name),
        ];
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/kubeconfigs");
        for entry in fs::read_dir(templates).expect("the templates") {
            let entry = entry.expect("a file");
            let text = fs::read_to_string(entry.path()).expect("text");
            let text = words.iter().fold(text, |text, (word, value)| match *word {
                // The variable of the program that logs in has the word in its name.
                "TOKEN" => text.replace(" TOKEN}", &format!(" {value}}}")).replace(" TOKEN,", &format!(" {value},")),
                _ => text.replace(word, value),
            });
            fs::write(folder.join(entry.file_name()), text).expect("written");
        }
        let authority = "kubectl config view --raw --kubeconfig whole.yaml -o \
                         'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >files/ca.crt";
        shell(&folder, authority);
        fs::write(folder.join("files/token"), &token).expect("written");
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let words = vec![
            ("FILES", folder.join("files").display().to_string()),
            ("WHOLE", folder.join("whole.yaml").display().to_string()),
            ("REAL", server),
            ("SILENT", format!("http://{}", silent.local_addr().expect("an address"))),
        ];
        Self { folder, _namespace: namespace, through_proxy, expired, words, _silent: silent }
    }

    /// What kubectl and the plugin say to this `KUBECONFIG` and these flags, from another folder.
    fn ask(&self, files: &str, flags: &[&str]) -> [Result<String, String>; 2] {
        let path = |file: &str| self.folder.join(file).display().to_string();
        let files = files.split(':').map(path).collect::<Vec<_>>().join(":");
        [&["get", "statefulsets"][..], &["redis-cluster", "list"]].map(|command| {
            let mut kubectl = program("kubectl");
            let filled = |flag: &&str| {
                self.words.iter().fold((*flag).to_owned(), |flag, (word, value)| flag.replace(word, value))
            };
            kubectl.args(command).args(flags.iter().map(filled));
            kubectl.env("KUBECONFIG", &files).env_remove("HTTPS_PROXY").current_dir("/");
            let said = run(&mut kubectl);
            match said.code {
                Some(0) => Ok(said.err),
                Some(1) => Err(said.err),
                other => panic!("{other:?}: {}", said.err),
            }
        })
    }

    fn hold(&self, files: &str, flags: &[&str], both: &Both) {
        let said = self.ask(files, flags);
        // klog's lines are no sentences for a user.
        let first = |said: &str| {
            said.lines()
                .filter(|line| !line.starts_with("E1") && !line.starts_with("E0"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .join("\n")
        };
        let fits = match (both, &said) {
            (Work, [Ok(_), Ok(_)]) => true,
            (Say(text), [Err(one), Err(other)]) => first(one).contains(text) && first(other).contains(text),
            (SayAll(texts, ours), [Err(one), Err(other)]) => {
                texts.iter().all(|text| first(one).contains(text)) && first(other).contains(ours)
            }
            (Differ(one, other), [Err(said), Err(ours)]) => first(said).contains(one) && first(ours).contains(other),
            _ => false,
        };
        assert!(fits, "{files} {flags:?}: kubectl {:#?}, the plugin {:#?}", said[0], said[1]);
    }
}

impl Drop for Zoo {
    fn drop(&mut self) {
        let _ = self.expired.kill();
        let _ = self.expired.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A certificate that was good until yesterday, of its own authority.
const EXPIRED: &str = "cd files && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout expired.key \
                       -out expired.csr -subj /CN=old -addext subjectAltName=IP:127.0.0.1 2>&1 && openssl x509 -req \
                       -in expired.csr -signkey expired.key -days -1 -copy_extensions copyall -out expired.crt 2>&1";

fn shell(folder: &Path, script: &str) {
    let mut shell = program("sh");
    run(shell.args(["-c", script]).current_dir(folder)).ok();
}

/// The token of a ServiceAccount that may see the namespace.
fn token(namespace: &Namespace) -> String {
    let rule = "{apiGroups: ['', apps], verbs: [get, list], resources: [statefulsets, replicationcontrollers]}";
    let manifest = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: u}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: u, annotations: {{kubernetes.io/service-account.name: u}}}}\n\
         type: kubernetes.io/service-account-token\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: u}}\nrules: [{rule}]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: u}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: u}}\n\
         subjects: [{{kind: ServiceAccount, name: u}}]\n"
    );
    namespace.apply(&manifest).ok();
    let token = || namespace.kubectl(&["get", "secret", "u", "-o", "go-template={{.data.token | base64decode}}"]);
    until(30, "the token", || token().out.len() > 100);
    token().ok()
}

/// A proxy that knows CONNECT, and how many came through it.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || tunnel(client));
        }
    });
    (address, count)
}

fn tunnel(mut client: TcpStream) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let server = TcpStream::connect(head.split(' ').nth(1).unwrap_or_default())?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let there = std::thread::spawn(move || {
        let _ = copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    let (mut server, mut client) = (server, client);
    let _ = copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Write);
    let _ = there.join();
    Ok(())
}

#[test]
fn files_whole_and_broken() {
    let zoo = Zoo::new(Namespace::new("zoo"));
    for (files, flags, both) in FILES {
        zoo.hold(files, flags, both);
    }
    assert!(zoo.through_proxy.load(Ordering::Relaxed) >= 2, "both go through the proxy");
}

#[test]
fn every_connection_flag() {
    let zoo = Zoo::new(Namespace::new("flags"));
    for (flags, both) in FLAGS {
        zoo.hold("whole.yaml", flags, both);
    }
    let [Ok(_), Ok(told)] = zoo.ask("whole.yaml", &["-v=6"]) else { panic!("it works") };
    let (_, server) = &zoo.words[2];
    assert!(told.contains(&format!("GET {server}/")) && told.contains(" 200 OK in "), "{told}");
    let token = fs::read_to_string(zoo.folder.join("files/token")).expect("the token");
    let [Ok(_), Ok(told)] = zoo.ask("whole.yaml", &["-v=9"]) else { panic!("it works") };
    assert!(told.contains("Response Headers:\n") && !told.contains(&token), "{told}");
}

/// In a pod, with nothing but the ServiceAccount's token and the address in the environment.
#[test]
fn in_a_pod() {
    let namespace = Namespace::new("in-a-pod");
    token(&namespace);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: shell}\nspec: {serviceAccountName: u, containers: [{name: a, \
               image: 'redis:8.0', command: [sleep, '600'], volumeMounts: [{name: t, mountPath: /plugin}]}], volumes: \
               [{name: t, emptyDir: {}}]}";
    namespace.apply(pod).ok();
    namespace.kubectl(&["wait", "pod", "shell", "--for=condition=Ready", "--timeout=300s"]).ok();
    let program = env!("CARGO_BIN_EXE_kubectl-redis_cluster");
    let mut kubectl =
        namespace.kubectl_command(&["exec", "-i", "shell", "--", "sh", "-c", "cat >/plugin/p && chmod +x /plugin/p"]);
    run(kubectl.stdin(fs::File::open(program).expect("the plugin"))).ok();
    let said = namespace.kubectl(&["exec", "shell", "--", "/plugin/p", "list"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    assert_eq!(said.err, format!("No resources found in {} namespace.\n", namespace.name));
    let said = namespace.kubectl(&["exec", "shell", "--", "/plugin/p", "list", "-n", "default"]);
    assert!(
        said.err.contains(&format!("User \"system:serviceaccount:{}:u\" cannot list", namespace.name)),
        "{}",
        said.err
    );
}
