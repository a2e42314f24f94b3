//! kube-proxy's modes on clusters that the throwaway one cannot be: their objects, as
//! their documentation and manifests show them.

use super::world::World;
use serde_json::{Value, json};

fn worker(name: &str, provider: &str, labels: &Value, version: &str) -> Value {
    let info = json!({ "kubeletVersion": version, "kubeProxyVersion": version, "architecture": "amd64", "bootID": "",
        "containerRuntimeVersion": "", "kernelVersion": "", "machineID": "", "operatingSystem": "linux", "osImage": "",
        "systemUUID": "" });
    json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels },
        "spec": { "providerID": provider },
        "status": { "nodeInfo": info, "conditions": [{ "type": "Ready", "status": "True" }] } })
}

fn pod(name: &str, worker: &str, labels: &Value, annotations: &Value, container: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "kube-system", "labels": labels, "annotations": annotations },
        "spec": { "nodeName": worker, "hostNetwork": true, "containers": [container],
                  "volumes": [{ "name": "c", "configMap": { "name": "kube-proxy" } }] } })
}

/// A world of one worker and one pod on it.
fn world(node: Value, pod: Value) -> World {
    let world = World::new();
    for old in 1..=3 {
        world.remove(&format!("/api/v1/nodes/node-{old}"));
    }
    world.put(&format!("/api/v1/nodes/{}", node["metadata"]["name"].as_str().expect("a name")), node);
    world.put(
        &format!("/api/v1/namespaces/kube-system/pods/{}", pod["metadata"]["name"].as_str().expect("a name")),
        pod,
    );
    world
}

/// After cluster/gce/manifests/kube-proxy.manifest of Kubernetes 1.20, on a worker of GKE.
pub fn gke(name: &str) -> World {
    let labels = json!({ "kubernetes.io/os": "linux", "cloud.google.com/gke-nodepool": "default-pool" });
    let command = json!([
        "/bin/sh",
        "-c",
        "exec kube-proxy --master=https://203.0.113.1 --kubeconfig=/var/lib/kube-proxy/kubeconfig --v=2 1>>/var/log/kube-proxy.log 2>&1"
    ]);
    let container = json!({ "name": "kube-proxy", "image": "gke.gcr.io/kube-proxy-amd64:v1.30.1", "command": command });
    world(
        worker(name, "gce://project/europe-west1-b/vm", &labels, "v1.30.1-gke.1"),
        pod(
            &format!("kube-proxy-{name}"),
            name,
            &json!({ "tier": "node", "component": "kube-proxy" }),
            &json!({ "kubernetes.io/config.mirror": "x", "kubernetes.io/config.hash": "x" }),
            &container,
        ),
    )
}

/// After kubeadm's DaemonSet and ConfigMap.
pub fn kubeadm() -> World {
    let labels = json!({ "kubernetes.io/os": "linux" });
    let command = ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf", "--hostname-override=w"];
    let mut proxy = pod(
        "kube-proxy-x7k2p",
        "worker-1",
        &json!({ "k8s-app": "kube-proxy" }),
        &json!({}),
        &json!({ "name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1.30.0", "command": command }),
    );
    proxy["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "kube-proxy", "uid": "u", "controller": true }]);
    let world = world(worker("worker-1", "", &labels, "v1.30.0"), proxy);
    let config = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: \"ipvs\"\n";
    world.put(
        "/api/v1/namespaces/kube-system/configmaps/kube-proxy",
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "kube-proxy" },
                "data": { "config.conf": config } }),
    );
    world
}

#[tokio::test(start_paused = true)]
async fn a_kube_proxy_that_does_not_answer_is_known_by_its_configuration() {
    insta::assert_snapshot!(kubeadm().run("check-proxy-mode").await);
}

#[tokio::test(start_paused = true)]
async fn without_rights_nothing_is_guessed() {
    let world = kubeadm();
    world.forbid("list pods");
    insta::assert_snapshot!("no_right_to_pods", world.run("check-proxy-mode").await);
    world.forbid("list nodes");
    insta::assert_snapshot!("no_right_to_nodes", world.run("check-proxy-mode").await);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_to_any_evidence_is_named() {
    let world = kubeadm();
    for app in ["cilium", "calico-node"] {
        let labels = json!({ "k8s-app": app });
        let other = pod(app, "worker-1", &labels, &json!({}), &json!({ "name": app, "image": "x" }));
        world.put(&format!("/api/v1/namespaces/kube-system/pods/{app}"), other);
    }
    world.forbid("get configmaps");
    world.forbid("get felixconfigurations");
    let said = world.run("check-proxy-mode").await;
    let maps = "you need permission to get configmaps: kubectl auth can-i get configmaps -n kube-system";
    let felix = "you need permission to get felixconfigurations: kubectl auth can-i get felixconfigurations -A";
    for part in [
        format!("configmap kube-proxy: cannot be read ({maps})"),
        format!("note: it is unknown whether Cilium has replaced kube-proxy: {maps}\n"),
        format!("note: it is unknown whether Calico has replaced kube-proxy: {felix}\n"),
    ] {
        assert!(said.contains(&part), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_mode_is_not_set_on() {
    let mut said = String::new();
    for (world, line) in [
        (kubeadm(), "set-gke-proxy-mode iptables"),
        (gke("gke-a"), "set-gke-proxy-mode userspace"),
        (gke("gk3-a"), "set-gke-proxy-mode iptables"),
        (gke("gke-a"), "set-gke-proxy-mode ipvs --node gke-b"),
        (gke("gke-a"), "set-gke-proxy-mode ipvs"),
    ] {
        said += &format!("$ {line}\n{}\n", world.run(line).await);
        assert_eq!(world.changes(), Vec::<String>::new());
    }
    insta::assert_snapshot!(said);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_and_what_the_server_refuses() {
    let world = gke("gke-a");
    insta::assert_snapshot!("set_dry_run", world.run("set-gke-proxy-mode ipvs --dry-run").await);
    insta::assert_snapshot!("set_unchanged", world.run("set-gke-proxy-mode iptables").await);
    let violation = "pods \"redis-cluster-set-proxy-mode-gke-a\" is forbidden: violates PodSecurity \"restricted:latest\": privileged";
    world.fail("patch pods redis-cluster-set-proxy-mode-gke-a", 403, violation);
    insta::assert_snapshot!("set_refused_by_pod_security", world.run("set-gke-proxy-mode ipvs --yes").await);
    world.mend();
    world.forbid("create pods");
    world.forbid("create pods/exec");
    world.forbid("create pods/portforward");
    world.forbid("delete services");
    insta::assert_snapshot!("set_without_rights", world.run("set-gke-proxy-mode ipvs --yes").await);
    let probed = world.run("check-proxy-mode --probe").await;
    let missing = "error: you may not create pods, delete services, create pods/exec in the namespace \"default\"\n";
    assert!(probed.contains(missing), "{probed}");
    assert_eq!(world.changes(), Vec::<String>::new());
}
