//! Queries many nodes through the redis-cli of one pod, one after the other.
//!
//! A stream to a pod costs the API server and a kubelet some ten milliseconds of CPU time; one more
//! connection of a running redis-cli costs less than one. Only complete responses count: all other
//! nodes need a direct query.

use super::connection::{Credentials, Reply, classified, quoted};
use super::line::Line;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The address of a node as the other pods reach it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The pod IP.
    pub host: String,
    pub port: u16,
}

/// The program of a relay. It reads the AUTH line, the commands, a dot, a line `HOST PORT` for each
/// node, and a dot, because the end of standard input does not reach a pod before Kubernetes 1.30.
/// A hanging node would block the relay: it ends after two seconds and leaves no process behind.
///
/// Nodes send mostly the same lines, and each megabyte through a kubelet and the API server costs
/// as much as the queries: a repeated line is sent as its number. The two timestamps of CLUSTER
/// NODES, which are not used, would make every line unique and are set to 0.
///
/// redis-cli requests the help of all commands from the first server that it connects to, which is
/// half the work of the process; so it starts with a port on which nothing listens.
pub fn command() -> Vec<String> {
    const SCRIPT: &str = "\
cli=$(command -v redis-cli || command -v valkey-cli) || exit 1
login='' questions='' peers=''
IFS= read -r login
while IFS= read -r line && [ \"$line\" != . ]; do questions=\"$questions$line
\"; done
while IFS= read -r line && [ \"$line\" != . ]; do peers=\"$peers$line
\"; done
relay() {
    printf %s \"$peers\" | while read -r host port; do
        printf 'CONNECT %s %s\\n%s\\n%s' \"$host\" \"$port\" \"$login\" \"$questions\"
    done | \"$cli\" -p 1 2>/dev/null &
    cli=$!
    {
        nap=''
        trap '[ -z \"$nap\" ] || { kill \"$nap\"; wait \"$nap\"; }; exit 0' TERM
        sleep 2 &
        nap=$!
        wait \"$nap\"
        kill \"$cli\"
    } >/dev/null 2>&1 &
    watcher=$!
    wait \"$cli\"
    kill \"$watcher\" 2>/dev/null
    wait \"$watcher\"
}
command -v awk >/dev/null || { relay; exit; }
relay | awk '
    length($1) == 40 && NF > 7 { $5 = $6 = 0 }
    $0 in known { print \"@SAME@\" known[$0]; next }
    { known[$0] = ++lines; print }'";
    let script = SCRIPT.replace("@SAME@", SAME);
    ["sh", "-c", &script].map(str::to_owned).into()
}

/// A line that redis-cli cannot split, and its error message. It marks the end of each reply
/// without a request to the server, whether there was a reply or not.
const UNSPLITTABLE: (&str, &str) = ("\"", "Invalid argument(s)");

/// The prefix of the number of a repeated line.
const SAME: &str = "=";

/// Sends the commands to every peer, as far as the relay gets within `deadline`. `None` for nodes
/// that need a direct query.
pub async fn ask(
    line: Line,
    credentials: &Credentials,
    commands: &[&[&str]],
    peers: &[Peer],
    deadline: Duration,
) -> Vec<Option<Vec<Reply>>> {
    let mut answers = Responses::new(commands.len());
    // Dropping the future would end the process.
    let Line::Cli { stream, trouble: _process } = line else { return answers.of(peers.len()) };
    let (mut output, mut input) = tokio::io::split(stream);
    let mut said = Vec::new();
    let talk = async {
        input.write_all(script(credentials, commands, peers).as_bytes()).await?;
        input.flush().await?;
        output.read_to_end(&mut said).await
    };
    // Responses that arrived before a lost connection or the deadline still count.
    let _ = tokio::time::timeout(deadline, talk).await;
    let said = String::from_utf8_lossy(&said);
    let mut known = Vec::new();
    for line in said.split_terminator('\n') {
        match before(line, &known) {
            Some(line) => answers.add(line),
            None => {
                known.push(line);
                answers.add(line);
            }
        }
    }
    answers.of(peers.len())
}

/// The earlier line that this one refers to; none for a new line.
fn before<'a>(line: &str, known: &[&'a str]) -> Option<&'a str> {
    let number: usize = line.strip_prefix(SAME)?.parse().ok()?;
    known.get(number.checked_sub(1)?).copied()
}

fn script(credentials: &Credentials, commands: &[&[&str]], peers: &[Peer]) -> String {
    let login = credentials.login().unwrap_or_default();
    let (unsplittable, _) = UNSPLITTABLE;
    let commands: String = commands.iter().map(|command| format!("{}\n{unsplittable}\n", quoted(command))).collect();
    let peers: String = peers.iter().map(|peer| format!("{} {}\n", peer.host, peer.port)).collect();
    format!("{login}\n{unsplittable}\n{commands}.\n{peers}.\n")
}

struct Responses {
    /// The number of replies of a complete response.
    wanted: usize,
    /// The replies of the current node, that to AUTH first; none for an empty reply: a server that
    /// responds sends at least one line.
    replies: Vec<Option<Reply>>,
    reply: String,
    whole: Vec<Option<Vec<Reply>>>,
}

impl Responses {
    fn new(wanted: usize) -> Self {
        Self { wanted, replies: Vec::new(), reply: String::new(), whole: Vec::new() }
    }

    fn add(&mut self, line: &str) {
        let (_, end) = UNSPLITTABLE;
        if line != end {
            self.reply.push_str(line);
            self.reply.push('\n');
            return;
        }
        let reply = std::mem::take(&mut self.reply);
        self.replies.push((!reply.is_empty()).then(|| classified(&reply)));
        if self.replies.len() > self.wanted {
            self.whole.push(self.replies.drain(..).skip(1).collect());
        }
    }

    /// One entry for each peer.
    fn of(mut self, peers: usize) -> Vec<Option<Vec<Reply>>> {
        self.whole.resize(peers, None);
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(said: &str) -> Vec<Option<Vec<Reply>>> {
        let mut answers = Responses::new(2);
        let said = said.replace("END", UNSPLITTABLE.1);
        said.lines().for_each(|line| answers.add(line));
        answers.of(3)
    }

    #[test]
    fn only_complete_responses_count() {
        let said = "OK\nEND\na b\nc\nEND\nERR no\nEND\nEND\nEND\nEND\nOK\nEND\na\nEND\nb\n";
        assert_eq!(heard(said), [Some(vec![Ok("a b\nc\n".into()), Err("ERR no".into())]), None, None]);
    }

    #[test]
    fn a_node_without_a_response_is_none() {
        let said = "OK\nEND\na\nEND\nEND\nEND\na\nEND\nb\nEND\n";
        assert_eq!(heard(said), [None, Some(vec![Ok("a\n".into()), Ok("b\n".into())]), None]);
    }

    #[test]
    fn repeated_lines_are_sent_as_numbers() {
        let known = ["role:master", "id 198.18.0.1:6379@16379 master - 0 0 7 connected 0-5460"];
        assert_eq!(before("=2", &known), Some(known[1]));
        for new in ["=3", "=0", "=", "role:slave"] {
            assert_eq!(before(new, &known), None, "{new}");
        }
    }

    #[test]
    fn extra_responses_are_dropped() {
        assert_eq!(heard(&"END\na\nEND\nb\nEND\n".repeat(9)).len(), 3);
    }

    #[test]
    fn the_commands_are_sent_once_for_all_nodes() {
        let credentials = Credentials { user: None, password: Some("a\"b".into()) };
        let peers = [Peer { host: "198.18.0.1".into(), port: 6379 }, Peer { host: "fd00::2".into(), port: 7000 }];
        let script = script(&credentials, &[&["PING"]], &peers);
        assert_eq!(script, "\"AUTH\" \"a\\\"b\"\n\"\n\"PING\"\n\"\n.\n198.18.0.1 6379\nfd00::2 7000\n.\n");
    }
}
