//! Clusters that others have made: a StatefulSet whose nodes announce their pods'
//! addresses and host names, formed by redis-cli, with a password in a Secret.

mod odd;
mod workload;

use serde_json::Value;
use testkit::{Namespace, feed, program, run, until};
use workload::{codes, hints};

const MANIFEST: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: quite-another-name}
stringData: {of-redis: "s e'c\"ret"}
---
apiVersion: v1
kind: Service
metadata: {name: peers}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: theirs}
  ports: [{name: redis, port: 6379}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: theirs}
spec:
  serviceName: peers
  replicas: 6
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: theirs}}
  template:
    metadata: {labels: {app: theirs}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: server
        image: redis:8.0
        ports: [{name: redis, containerPort: 6379}, {name: bus, containerPort: 16379}]
        readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
        env:
        - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: REDIS_PASSWORD, valueFrom: {secretKeyRef: {name: quite-another-name, key: of-redis}}}
        command:
        - sh
        - -c
        - >-
          exec redis-server --dir /data --appendonly yes --cluster-enabled yes --cluster-node-timeout 5000
          --protected-mode no --requirepass "$REDIS_PASSWORD" --masterauth "$REDIS_PASSWORD"
          --cluster-announce-hostname "$NAME.peers"
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
"#;

fn found(namespace: &Namespace, arguments: &[&str]) -> Value {
    workload::found(namespace, &[&["-l", "app=theirs"], arguments].concat())
}

fn form(namespace: &Namespace) {
    let addresses = namespace.values(&["pods", "-l", "app=theirs"], "{.status.podIP}:6379").join(" ");
    let create = format!(
        "REDISCLI_AUTH=\"$REDIS_PASSWORD\" redis-cli --cluster create {addresses} --cluster-replicas 1 --cluster-yes"
    );
    let formed = namespace.kubectl(&["exec", "theirs-0", "--", "sh", "-c", &create]).ok();
    assert!(formed.contains("All 16384 slots covered"), "{formed}");
}

#[test]
fn a_statefulset_with_pod_addresses_until_all_of_them_change() {
    let namespace = Namespace::new("theirs");
    namespace.apply(MANIFEST).ok();
    namespace.kubectl(&["rollout", "status", "statefulset/theirs", "--timeout=300s"]).ok();
    // Before they have met, each is alone.
    until(30, "each to be alone", || {
        codes(&found(&namespace, &[])).is_superset(&["slots-uncovered", "state-fail"].into())
    });
    form(&namespace);
    until(60, "a healthy cluster", || codes(&found(&namespace, &[])).is_empty());

    let selected = ["-l", "app=theirs"];
    namespace.wait_ok(&selected);
    // The Secret is found by itself, or named.
    namespace.info(&["-l", "app=theirs", "--auth-secret", "quite-another-name/of-redis"]);
    until(30, "the cluster to be listed", || {
        let list = namespace.plugin(&[&["list", "--no-headers"], &selected[..]].concat()).ok();
        list.starts_with("theirs   ok   3   6/6")
    });
    let logs = namespace.plugin(&[&["logs", "--tail", "5"], &selected[..]].concat()).ok();
    assert_eq!(logs.lines().count(), 30, "{logs}");

    // All pods at once get other addresses, and nobody knows where the others are.
    let before = namespace.values(&["pods", "-l", "app=theirs"], "{.status.podIP}");
    namespace.kubectl(&["delete", "pods", "-l", "app=theirs"]).ok();
    namespace.kubectl(&["rollout", "status", "statefulset/theirs", "--timeout=300s"]).ok();
    let after = namespace.values(&["pods", "-l", "app=theirs"], "{.status.podIP}");
    assert!(before.iter().all(|address| !after.contains(address)), "{before:?} {after:?}");
    until(60, "the loss of all addresses to be found", || {
        let broken = found(&namespace, &[]);
        let stale = hints(&broken, &["address-stale"]).len();
        stale == 6 && codes(&broken).contains("state-fail") && broken["status"]["state"] == "fail"
    });
    // The nodes meet at their new addresses. A node that is still marked as failed may hear an old
    // address again from one that has not noticed anything, and a replica may know its master's new
    // address and still look for it at the old one: what helps then, the next findings say.
    until(90, "a healthy cluster", || {
        let now = found(&namespace, &[]);
        for hint in hints(&now, &["address-stale", "replica-of-nobody"]) {
            feed(&mut program("sh"), &hint).ok();
        }
        codes(&now).is_empty()
    });
}

pub const TLS_MANIFEST: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: tls, labels: {app: tls}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: redis
    image: redis:8.0
    ports: [{name: redis, containerPort: 6379}]
    readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
    command:
    - sh
    - -c
    - >-
      exec redis-server --dir /tmp --cluster-enabled yes --port 0 --tls-port 6379 --tls-cluster yes
      --tls-replication yes --tls-auth-clients optional --tls-ca-cert-file /tls/ca.crt
      --tls-cert-file /tls/tls.crt --tls-key-file /tls/tls.key
    volumeMounts: [{name: tls, mountPath: /tls}]
  volumes: [{name: tls, secret: {secretName: certificates}}]
"#;

/// A CA, and a certificate of it with its key, in a folder.
pub const CERTIFICATES: &str = "set -e; cd \"$1\"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -keyout ca.key -out ca.crt -days 2 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=redis -keyout tls.key -out tls.csr 2>/dev/null
printf 'subjectAltName=DNS:some.service\\n' >names
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out tls.crt 2>/dev/null";

#[test]
fn a_server_that_speaks_tls() {
    let namespace = Namespace::new("tls");
    let folder = tempfile::tempdir().expect("a folder");
    run(program("sh").args(["-c", CERTIFICATES, "sh"]).arg(folder.path())).ok();
    let file = |key: &str| format!("--from-file={key}={}", folder.path().join(key).display());
    let files = ["ca.crt", "tls.crt", "tls.key"].map(file);
    let create = ["create", "secret", "generic", "certificates"];
    namespace.kubectl(&[&create[..], &files.each_ref().map(String::as_str)].concat()).ok();
    namespace.apply(TLS_MANIFEST).ok();
    namespace.kubectl(&["wait", "pod/tls", "--for=condition=Ready", "--timeout=300s"]).ok();

    let check = |flags: &[&str]| {
        let mut found = Value::Null;
        until(30, &format!("the server to be asked: {flags:?}"), || {
            let said = namespace.plugin(&[&["check", "-l", "app=tls", "-o", "json"], flags].concat());
            found = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
            codes(&found).contains("slots-uncovered")
        });
        found
    };
    for flags in [&["--tls"][..], &["--tls", "--via", "exec"]] {
        check(flags);
    }
    // A hint knows how to speak to it.
    let found = check(&["--tls-secret", "certificates"]);
    let findings = found["findings"].as_array().expect("a list");
    let uncovered = findings.iter().find(|finding| finding["code"] == "slots-uncovered").expect("found");
    let hint = uncovered["hint"].as_str().expect("a hint");
    assert!(hint.contains("redis-cli --tls --insecure cluster addslotsrange 0 16383"), "{hint}");
    let plain = namespace.plugin(&["info", "-l", "app=tls"]).ok();
    assert!(plain.contains("add --tls"), "{plain}");
}
