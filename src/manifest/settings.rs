//! The lines of `--config`: which settings a user may choose, and which the design owns.

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    #[error("\"{0}\" is not KEY=VALUE")]
    NoValue(String),
    /// A setting that this tool controls.
    #[error("\"{key}\" cannot be set with --config: {reason}")]
    Owned {
        key: String,
        /// Why, or which flag to use instead.
        reason: &'static str,
    },
    /// A line break would add another line.
    #[error("the value of \"{0}\" contains a line break")]
    LineBreak(String),
    /// The server would not start.
    #[error("the value of \"{0}\" has a quote without its end, or text right after one")]
    Quotes(String),
    /// The scripts and this tool log in as them.
    #[error("the users default and shard-* cannot be set with --config: the nodes log in as them")]
    User,
}

const NODES: &str = "it decides how the nodes find and replace each other";
const ADDRESS: &str = "each node announces its own Service";
const ENTRY: &str = "clients and probes connect to the pod's port 6379";
const PROCESS: &str = "the server is the pod's first process";
const FILES: &str = "the start-up script looks for the node's data by its name";
const DATA: &str = "use --storage SIZE to keep data, --ephemeral to keep none";
const AUTH: &str = "use --auth-secret NAME[/KEY]";
const SHARD: &str = "a replica logs in as its shard";
const ROLES: &str = "the cluster manages roles";

/// Settings that this tool controls, and why; those that end with `*` by their beginning. The
/// first that fits counts.
const OWNED: [(&str, &str); 36] = [
    ("cluster-node-timeout", "use --node-timeout"),
    ("cluster-announce-*", ADDRESS),
    ("cluster-*", NODES),
    ("replica-announce*", ADDRESS),
    ("slave-announce-*", ADDRESS),
    ("port", ENTRY),
    ("bind", ENTRY),
    ("bind-source-addr", ADDRESS),
    ("protected-mode", ENTRY),
    ("unixsocket*", ENTRY),
    ("rdma-*", ENTRY),
    ("tls-*", "clusters of this tool do not use TLS"),
    ("dir", FILES),
    ("appendfilename", FILES),
    ("appenddirname", FILES),
    ("dbfilename", FILES),
    ("appendonly", DATA),
    ("save", DATA),
    ("daemonize", PROCESS),
    ("supervised", PROCESS),
    ("pidfile", PROCESS),
    ("include", "nothing checks what another file sets"),
    ("logfile", "the pod's log is standard output: use the logs command"),
    ("maxmemory-policy", "use --maxmemory-policy"),
    ("maxmemory", "it is derived from --memory"),
    ("requirepass", AUTH),
    ("masterauth", AUTH),
    ("primaryauth", AUTH),
    ("masteruser", SHARD),
    ("primaryuser", SHARD),
    ("replicaof", ROLES),
    ("slaveof", ROLES),
    ("primaryof", ROLES),
    ("sentinel", ROLES),
    ("repl-diskless-sync-delay", "until its first sync a replica has no copy: it begins at once"),
    (
        "rename-command",
        "probes, scripts and this tool call commands by their names; use --config user=... to forbid them",
    ),
];

/// Every setting that a user may choose, of all servers from Redis 3.0 to Valkey 9.1; a test
/// compares them with what the servers have.
const FREE: &str = include_str!("settings.txt");

/// Those of modules: the ones that Redis 8 brings, and `MODULE.NAME` of any other.
const MODULES: [&str; 4] = ["search-", "ts-", "bf-", "cf-"];

/// Who decides on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This tool, with the reason or the flag to use.
    Design(&'static str),
    User,
    /// No server that was tried has it.
    Unknown,
}

/// `name` is in lower case, as redis.conf does not mind.
pub fn owner(name: &str) -> Owner {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    let of_module = || name.contains('.') || MODULES.iter().any(|prefix| name.starts_with(prefix));
    match OWNED.iter().find(|(pattern, _)| fits(pattern)) {
        Some((_, reason)) => Owner::Design(reason),
        None if FREE.lines().any(|free| free == name) || of_module() => Owner::User,
        None => Owner::Unknown,
    }
}

/// `KEY=VALUE` as a line of redis.conf.
///
/// # Errors
/// If it is not such a pair, a setting that this tool controls, or a line that no server reads.
pub fn config_line(text: &str) -> Result<String, BadConfig> {
    let no_value = || BadConfig::NoValue(text.to_owned());
    let (key, value) = text.split_once('=').ok_or_else(no_value)?;
    let (key, value) = (key.trim().to_ascii_lowercase(), value.trim_matches([' ', '\t']));
    // A quoted name would be read without its quotes.
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if key.is_empty() || !key.chars().all(is_name) {
        return Err(no_value());
    }
    if value.contains(['\n', '\r']) {
        return Err(BadConfig::LineBreak(key));
    }
    if let Owner::Design(reason) = owner(&key) {
        return Err(BadConfig::Owned { key, reason });
    }
    let words = words(value).ok_or_else(|| BadConfig::Quotes(key.clone()))?;
    let user = words.first().filter(|_| key == "user");
    if user.is_some_and(|user| user == "default" || user.starts_with("shard-")) {
        return Err(BadConfig::User);
    }
    Ok(format!("{key} {}", if words.is_empty() { "\"\"" } else { value }))
}

/// As redis.conf is split into words (sdssplitargs); none where the server would refuse the line.
/// What an escape stands for is left as it is.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_start();
    }
    Some(words)
}

fn word(text: &str) -> Option<(String, &str)> {
    let (mut word, mut quote) = (String::new(), None);
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match quote {
            Some(mark) if letter == mark => {
                let after = &text[at + 1..];
                return (after.is_empty() || after.starts_with(char::is_whitespace)).then_some((word, after));
            }
            Some(_) if letter == '\\' => word.extend([letter, letters.next()?.1]),
            None if letter.is_whitespace() => return Some((word, &text[at..])),
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            _ => word.push(letter),
        }
    }
    quote.is_none().then_some((word, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_users() {
        for (text, line) in [
            ("hz=20", "hz 20"),
            ("Client-Output-Buffer-Limit=normal 0 0 0", "client-output-buffer-limit normal 0 0 0"),
            ("notify-keyspace-events=", "notify-keyspace-events \"\""),
            ("notify-keyspace-events= ", "notify-keyspace-events \"\""),
            ("proc-title-template='{title} it\\'s'", "proc-title-template '{title} it\\'s'"),
            ("maxmemory-samples=9", "maxmemory-samples 9"),
            ("user=app on #5e88 ~* +@all", "user app on #5e88 ~* +@all"),
            ("aclfile=/etc/users.acl", "aclfile /etc/users.acl"),
            ("search-timeout=100", "search-timeout 100"),
            ("foo=bar", "foo bar"),
        ] {
            assert_eq!(config_line(text).as_deref(), Ok(line));
        }
    }

    #[test]
    fn lines_that_the_design_owns_name_the_flag() {
        let text = |line: &str| config_line(line).expect_err(line).to_string();
        assert_eq!(
            text("port=1"),
            "\"port\" cannot be set with --config: clients and probes connect to the pod's port 6379"
        );
        assert_eq!(
            text("cluster-node-timeout=1"),
            "\"cluster-node-timeout\" cannot be set with --config: use --node-timeout"
        );
        assert_eq!(
            text("cluster-announce-ip=1"),
            "\"cluster-announce-ip\" cannot be set with --config: each node announces its own Service"
        );
        for key in ["cluster-enabled", "DIR", "requirepass", "tls-port", "unixsocketperm", "include", "maxmemory"] {
            assert!(matches!(config_line(&format!("{key}=x")), Err(BadConfig::Owned { .. })), "{key}");
        }
        for user in ["user=default off", "user= \"default\" off", "user=shard-1 on"] {
            assert_eq!(config_line(user), Err(BadConfig::User));
        }
    }

    #[test]
    fn what_is_no_line() {
        for text in ["hz", "=1", "\"port\"=1", "#=1", "h z=1", "h\nz=1"] {
            assert!(matches!(config_line(text), Err(BadConfig::NoValue(_))), "{text}");
        }
        assert!(matches!(config_line("hz=1\nport 2"), Err(BadConfig::LineBreak(_))));
        for text in ["a=\"b", "a='", "a=\"b\"c", "a=b 'c", "a=\"b\\"] {
            assert_eq!(config_line(text), Err(BadConfig::Quotes("a".into())), "{text}");
        }
    }

    #[test]
    fn each_setting_has_one_owner() {
        for free in FREE.lines() {
            assert_eq!(owner(free), Owner::User, "{free}");
        }
        assert!(FREE.lines().is_sorted());
        assert_eq!(owner("maxmemory-smaples"), Owner::Unknown);
    }
}
