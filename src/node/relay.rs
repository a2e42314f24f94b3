//! Many nodes asked through the redis-cli of one pod, one after the other.
//!
//! A stream to a pod costs the API server and a kubelet some ten milliseconds of work, one
//! more connection of a redis-cli that runs already costs less than one. Only whole
//! answers count: whoever gave none is to be asked by itself.

use super::connection::{Credentials, Reply, classified, quoted};
use super::line::Line;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Where a node listens, as the other pods reach it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its pod's address.
    pub host: String,
    /// The client port.
    pub port: u16,
}

/// The program of a relay. It reads the line that logs in, the questions, a dot, a line
/// `HOST PORT` for each node, and a dot; for the end of standard input does not reach a pod
/// before Kubernetes 1.30. A node that hangs would hold the relay up: it ends after two seconds,
/// and leaves no process behind that nobody waits for.
///
/// Nodes tell much the same, and each megabyte on the way through a kubelet and the API
/// server costs as much as the asking: a line that was there before is only its number. The
/// two times of a line of CLUSTER NODES, which nobody looks at, would make each of them new.
///
/// A redis-cli asks the first server to which it connects for the help of all its commands, half
/// as much work as the process itself; so it begins at a port where nobody listens.
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

/// A line that redis-cli cannot split into words, and what it says of it: the end of each
/// reply, for which no server is asked, and which comes whether there was a reply or not.
const UNSPLITTABLE: (&str, &str) = ("\"", "Invalid argument(s)");

/// What begins the number of a line that was there before.
const SAME: &str = "=";

/// Asks every peer the same, as far as the relay gets within `patience`; none for who gave no
/// whole answer.
pub async fn ask(
    line: Line,
    credentials: &Credentials,
    commands: &[&[&str]],
    peers: &[Peer],
    patience: Duration,
) -> Vec<Option<Vec<Reply>>> {
    let mut answers = Answers::new(commands.len());
    // The process lives as long as somebody may still ask why it ended.
    let Line::Cli { stream, trouble: _process } = line else { return answers.of(peers.len()) };
    let (mut output, mut input) = tokio::io::split(stream);
    let mut said = Vec::new();
    let talk = async {
        input.write_all(script(credentials, commands, peers).as_bytes()).await?;
        input.flush().await?;
        output.read_to_end(&mut said).await
    };
    // What came before the line broke or the time was up is what there is.
    let _ = tokio::time::timeout(patience, talk).await;
    let said = String::from_utf8_lossy(&said);
    let mut known = Vec::new();
    for line in said.split_terminator('\n') {
        match before(line, &known) {
            Some(line) => answers.hear(line),
            None => {
                known.push(line);
                answers.hear(line);
            }
        }
    }
    answers.of(peers.len())
}

/// The line that was there before, when this one only means it.
fn before<'a>(line: &str, known: &[&'a str]) -> Option<&'a str> {
    let number: usize = line.strip_prefix(SAME)?.parse().ok()?;
    known.get(number.checked_sub(1)?).copied()
}

fn script(credentials: &Credentials, commands: &[&[&str]], peers: &[Peer]) -> String {
    let login = credentials.login().unwrap_or_default();
    let (unsplittable, _) = UNSPLITTABLE;
    let questions: String = commands.iter().map(|command| format!("{}\n{unsplittable}\n", quoted(command))).collect();
    let peers: String = peers.iter().map(|peer| format!("{} {}\n", peer.host, peer.port)).collect();
    format!("{login}\n{unsplittable}\n{questions}.\n{peers}.\n")
}

/// What a relay has said so far.
struct Answers {
    /// How many replies a whole answer has.
    wanted: usize,
    /// The replies of the one who answers now, the one to the login first; none for a line
    /// that broke: a server that answers says a line at least.
    replies: Vec<Option<Reply>>,
    reply: String,
    whole: Vec<Option<Vec<Reply>>>,
}

impl Answers {
    fn new(wanted: usize) -> Self {
        Self { wanted, replies: Vec::new(), reply: String::new(), whole: Vec::new() }
    }

    fn hear(&mut self, line: &str) {
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

    /// What each of so many peers has replied.
    fn of(mut self, peers: usize) -> Vec<Option<Vec<Reply>>> {
        self.whole.resize(peers, None);
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(said: &str) -> Vec<Option<Vec<Reply>>> {
        let mut answers = Answers::new(2);
        let said = said.replace("END", UNSPLITTABLE.1);
        said.lines().for_each(|line| answers.hear(line));
        answers.of(3)
    }

    #[test]
    fn only_whole_answers_count() {
        let said = "OK\nEND\na b\nc\nEND\nERR no\nEND\nEND\nEND\nEND\nOK\nEND\na\nEND\nb\n";
        assert_eq!(heard(said), [Some(vec![Ok("a b\nc\n".into()), Err("ERR no".into())]), None, None]);
    }

    #[test]
    fn who_did_not_answer_leaves_his_place_empty() {
        let said = "OK\nEND\na\nEND\nEND\nEND\na\nEND\nb\nEND\n";
        assert_eq!(heard(said), [None, Some(vec![Ok("a\n".into()), Ok("b\n".into())]), None]);
    }

    #[test]
    fn what_was_there_before_is_not_said_again() {
        let known = ["role:master", "id 198.18.0.1:6379@16379 master - 0 0 7 connected 0-5460"];
        assert_eq!(before("=2", &known), Some(known[1]));
        for new in ["=3", "=0", "=", "role:slave"] {
            assert_eq!(before(new, &known), None, "{new}");
        }
    }

    #[test]
    fn nobody_answers_who_was_not_asked() {
        assert_eq!(heard(&"END\na\nEND\nb\nEND\n".repeat(9)).len(), 3);
    }

    #[test]
    fn the_questions_come_once_whatever_the_number_of_nodes() {
        let credentials = Credentials { user: None, password: Some("a\"b".into()) };
        let peers = [Peer { host: "198.18.0.1".into(), port: 6379 }, Peer { host: "fd00::2".into(), port: 7000 }];
        let script = script(&credentials, &[&["PING"]], &peers);
        assert_eq!(script, "\"AUTH\" \"a\\\"b\"\n\"\n\"PING\"\n\"\n.\n198.18.0.1 6379\nfd00::2 7000\n.\n");
    }
}
