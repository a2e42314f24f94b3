//! Every command that is printed for a user to run. Each repeats what was given to reach this API
//! server, namespace and cluster, so that it acts on the same ones wherever it is pasted.

use std::fmt;

/// The cluster of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterRef {
    /// A cluster of this tool, by its name.
    Named(String),
    /// The Redis pods of any tool that these labels select.
    Selected(String),
}

impl ClusterRef {
    /// The name or the selector.
    pub fn title(&self) -> &str {
        match self {
            Self::Named(title) | Self::Selected(title) => title,
        }
    }
}

impl Default for ClusterRef {
    fn default() -> Self {
        Self::Named(String::new())
    }
}

/// As an argument of a command.
impl fmt::Display for ClusterRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(&quoted(name)),
            Self::Selected(selector) => write!(f, "-l {}", quoted(selector)),
        }
    }
}

/// Flags that the user gave, with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenFlags(Vec<String>);

impl GivenFlags {
    #[must_use]
    pub fn with<S: AsRef<str>>(self, flag: &str, values: impl IntoIterator<Item = S>) -> Self {
        values.into_iter().fold(self, |mut flags, value| {
            let value = value.as_ref();
            // Else it would be read as a flag.
            let between = if value.starts_with('-') { '=' } else { ' ' };
            flags.0.push(format!("{flag}{between}{}", quoted(value)));
            flags
        })
    }

    #[must_use]
    pub fn switch(mut self, flag: &str, value: Option<bool>) -> Self {
        self.0.extend(value.map(|value| if value { flag.to_owned() } else { format!("{flag}=false") }));
        self
    }

    /// A secret is never repeated: where it was, the command has its name.
    #[must_use]
    pub fn secret(self, flag: &str, name: &str, value: Option<&String>) -> Self {
        self.with(flag, value.map(|_| format!("<{name}>")))
    }
}

/// What every command repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    pub namespace: String,
    /// kubectl's flags that select the API server and the user.
    pub connection: GivenFlags,
    /// This tool's flags to connect to the nodes.
    pub nodes: GivenFlags,
}

impl Caller {
    /// `kubectl WORDS` in the namespace.
    pub fn kubectl(&self, words: &str) -> String {
        self.kubectl_in(&self.namespace, words)
    }

    pub fn kubectl_in(&self, namespace: &str, words: &str) -> String {
        self.line("kubectl", &[&format!("-n {}", quoted(namespace)), words])
    }

    /// For what is in no namespace, or in all.
    pub fn kubectl_without_namespace(&self, words: &str) -> String {
        self.line("kubectl", &[words])
    }

    /// `kubectl redis-cluster WORDS` in the namespace.
    pub fn plugin(&self, words: &str) -> String {
        let namespace = format!("-n {}", quoted(&self.namespace));
        let nodes: Vec<&str> = self.nodes.0.iter().map(String::as_str).collect();
        self.line("kubectl redis-cluster", &[&[namespace.as_str()], &nodes[..], &[words]].concat())
    }

    /// `kubectl redis-cluster VERB` for a cluster.
    pub fn plugin_on(&self, verb: &str, cluster: &ClusterRef) -> String {
        self.plugin(&format!("{verb} {cluster}"))
    }

    pub fn list_everywhere(&self) -> String {
        self.line("kubectl redis-cluster", &["list -A"])
    }

    /// Checks a permission. kubectl takes what follows a slash for a name; without a namespace the
    /// permission is cluster-wide.
    pub fn may(&self, verb: &str, resource: &str, namespace: Option<&str>) -> String {
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, format!(" --subresource={subresource}")),
            None => (resource, String::new()),
        };
        let scope = namespace.map_or("-A".to_owned(), |name| format!("-n {}", quoted(name)));
        self.kubectl_without_namespace(&format!("auth can-i {verb} {resource}{subresource} {scope}"))
    }

    /// Lists the user's permissions in the namespace.
    pub fn permissions(&self) -> String {
        self.kubectl_without_namespace(&format!("auth can-i --list -n {}", quoted(&self.namespace)))
    }

    /// Prints one value of a Secret.
    pub fn secret(&self, name: &str, key: &str) -> String {
        let template = format!("{{{{index .data {key:?} | base64decode}}}}");
        self.kubectl(&format!("get secret {} -o go-template={}", quoted(name), quoted(&template)))
    }

    fn line(&self, program: &str, words: &[&str]) -> String {
        let connection = self.connection.0.iter().map(String::as_str);
        [program].into_iter().chain(connection).chain(words.iter().copied()).collect::<Vec<_>>().join(" ")
    }
}

/// For a POSIX shell.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_repeated_and_secrets_are_not() {
        let connection = GivenFlags::default()
            .with("--context", Some("a b"))
            .with("--as-group", ["x", "-y"])
            .with::<&str>("--user", None)
            .switch("--insecure-skip-tls-verify", Some(false))
            .secret("--token", "TOKEN", Some(&"hunter2".to_owned()));
        let nodes = GivenFlags::default().with("--redis-user", Some("it's")).switch("--tls", Some(true));
        let caller = Caller { namespace: "n".into(), connection, nodes };
        let given = "--context 'a b' --as-group x --as-group=-y --insecure-skip-tls-verify=false --token '<TOKEN>'";
        assert_eq!(caller.kubectl("get pods"), format!("kubectl {given} -n n get pods"));
        assert_eq!(caller.list_everywhere(), format!("kubectl redis-cluster {given} list -A"));
        let selected = ClusterRef::Selected("app in (a,b)".into());
        assert_eq!(
            caller.plugin_on("check", &selected),
            format!("kubectl redis-cluster {given} -n n --redis-user 'it'\\''s' --tls check -l 'app in (a,b)'")
        );
    }

    #[test]
    fn a_subresource_is_a_flag() {
        let caller = Caller::default();
        assert_eq!(caller.may("list", "pods", Some("a")), "kubectl auth can-i list pods -n a");
        assert_eq!(caller.may("get", "nodes/proxy", None), "kubectl auth can-i get nodes --subresource=proxy -A");
    }
}
