//! Users who may do less than everything.

use testkit::{Namespace, until};

/// A user of the namespace with just these rights: (verbs, resources).
fn user(namespace: &Namespace, name: &str, rights: &[(&str, &str)]) {
    let rules: String = rights
        .iter()
        .map(|(verbs, resources)| {
            format!(
                "- {{apiGroups: ['', apps, policy, networking.k8s.io], verbs: [{verbs}], resources: [{resources}]}}\n"
            )
        })
        .collect();
    let manifest = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: {name}}}\nrules:\n{rules}---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}\n\
         subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {name}}}]\n"
    );
    namespace.apply(&manifest).ok();
    let first = |list: &str| list.split(", ").next().unwrap_or_default().trim_matches('\'').to_owned();
    let (verbs, resources) = rights[0];
    namespace.wait_until_may(name, &first(verbs), &first(resources));
}

#[test]
fn each_missing_right_is_named_and_another_way_is_taken_where_there_is_one() {
    let namespace = Namespace::new("rights");
    let everything = "services, configmaps, secrets, statefulsets, replicationcontrollers, poddisruptionbudgets, \
                      networkpolicies, persistentvolumeclaims, pods, pods/log, events";
    user(&namespace, "owner", &[("'*'", everything), ("get, create", "pods/portforward, pods/exec")]);
    user(&namespace, "nobody", &[("get", "events")]);
    user(
        &namespace,
        "no-services",
        &[
            ("'*'", "configmaps, secrets, statefulsets, poddisruptionbudgets, persistentvolumeclaims, pods"),
            ("get, list", "services"),
            ("get, create", "pods/portforward"),
        ],
    );
    user(&namespace, "exec-only", &[("get, list", "pods, services"), ("get, create", "pods/exec")]);
    user(&namespace, "reader", &[("get, list", "pods, services, secrets")]);

    // Namespace rights alone: what cannot be known is said, the rest works.
    let created = namespace.plugin(&["create", "a", "--as", "owner"]);
    assert!(created.err.contains("note: no permission to read workers"), "{}", created.err);
    assert!(created.err.contains("note: no permission to read StorageClasses"), "{}", created.err);
    created.ok();
    let mut table = String::new();
    until(30, "the owner to see a cluster that is ok", || {
        table = namespace.plugin(&["info", "a", "--as", "owner"]).ok();
        table.contains("a: ok")
    });
    assert!(table.contains("<unknown>"), "{table}");
    assert!(table.contains("not checked: workers and zones: you need permission to list nodes: "), "{table}");
    namespace.wait_ok(&["a", "--as", "exec-only"]);

    let shown = |said: String| said.replace(&namespace.name, "<ns>");
    insta::assert_snapshot!(shown(namespace.plugin(&["info", "a", "--as", "nobody"]).refused()), @r#"
    Error from server (Forbidden): pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "<ns>"
    hint: you need permission to list pods: kubectl --as nobody auth can-i list pods -n <ns>
    "#);
    insta::assert_snapshot!(shown(namespace.plugin(&["create", "b", "--as", "no-services"]).refused()), @r#"
    error: you may not create services, patch services in the namespace "<ns>"
    hint: to list your permissions, run: kubectl --as no-services auth can-i --list -n <ns>
    "#);
    assert_eq!(namespace.kubectl(&["get", "secret", "b", "--ignore-not-found"]).ok(), "");
    let table = shown(namespace.plugin(&["info", "a", "--as", "reader"]).ok());
    assert!(table.contains("you may not use pods/portforward in the namespace \"<ns>\""), "{table}");
    assert!(table.starts_with("a: unknown"), "{table}");
}
