//! Many nodes asked through the redis-cli of one pod, one after the other.
//!
//! A stream to a pod costs the API server and a kubelet some ten milliseconds of work, one
//! more connection of a redis-cli that runs already costs less than one. Only whole
//! answers count: whoever gave none is to be asked by itself.

use super::connection::{Credentials, MARK, Reply, classified, quoted};
use super::dial::Line;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Where a node listens, as the other pods reach it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its pod's address.
    pub host: String,
    /// The client port.
    pub port: u16,
}

/// The program of a relay, for a pod whose server listens on `port`. It reads the line that
/// logs in, the questions, a dot, a line `INDEX HOST PORT` for each node, and a dot; for the
/// end of standard input does not reach a pod before Kubernetes 1.30. The pod's own server
/// answers in between, so that it is seen who is asked. A node that hangs would hold it up:
/// it ends after five seconds, and leaves no process behind that nobody waits for.
pub fn command(port: u16) -> Vec<String> {
    const SCRIPT: &str = "\
cli=$(command -v redis-cli || command -v valkey-cli) || exit 1
login='' questions='' peers=''
IFS= read -r login
while IFS= read -r line && [ \"$line\" != . ]; do questions=\"$questions$line
\"; done
while IFS= read -r line && [ \"$line\" != . ]; do peers=\"$peers$line
\"; done
printf %s \"$peers\" | while read -r index host port; do
    printf 'CONNECT 127.0.0.1 %s\\n%s\\nECHO \"@NEXT@ %s\"\\n' \"$0\" \"$login\" \"$index\"
    [ -z \"$host\" ] || printf 'CONNECT %s %s\\n%s\\n%s' \"$host\" \"$port\" \"$login\" \"$questions\"
done | \"$cli\" -p \"$0\" 2>/dev/null &
relay=$!
{
    nap=''
    trap '[ -z \"$nap\" ] || { kill \"$nap\"; wait \"$nap\"; }; exit 0' TERM
    sleep 5 &
    nap=$!
    wait \"$nap\"
    kill \"$relay\"
} >/dev/null 2>&1 &
watcher=$!
wait \"$relay\"
kill \"$watcher\" 2>/dev/null
wait \"$watcher\"";
    ["sh", "-c", &SCRIPT.replace("@NEXT@", NEXT), &port.to_string()].map(str::to_owned).into()
}

/// What the relay's own server echoes before each node's answers.
const NEXT: &str = "kubectl-redis-cluster:next";

/// So long may a relay say nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks every peer the same, as far as the relay gets; none for who gave no whole answer.
pub async fn ask(
    line: Line,
    credentials: &Credentials,
    commands: &[&[&str]],
    peers: &[Peer],
) -> Vec<Option<Vec<Reply>>> {
    let mut answers = Answers::new(peers.len(), commands.len());
    let Line::Cli { stream, .. } = line else { return answers.whole };
    let (output, mut input) = tokio::io::split(stream);
    let script = script(credentials, commands, peers);
    if input.write_all(script.as_bytes()).await.is_err() || input.flush().await.is_err() {
        return answers.whole;
    }
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while let Ok(Ok(1..)) = tokio::time::timeout(PATIENCE, output.read_until(b'\n', &mut line)).await {
        if answers.hear(&line) {
            break;
        }
        line.clear();
    }
    answers.whole
}

fn script(credentials: &Credentials, commands: &[&[&str]], peers: &[Peer]) -> String {
    let login = credentials.login().unwrap_or_default();
    let questions: String = commands.iter().map(|command| format!("{}\nECHO {MARK}\n", quoted(command))).collect();
    let peers: String =
        peers.iter().enumerate().map(|(index, peer)| format!("{index} {} {}\n", peer.host, peer.port)).collect();
    format!("{login}\nECHO {MARK}\n{questions}.\n{peers}end\n.\n")
}

/// What a relay has said so far.
struct Answers {
    /// How many replies a whole answer has.
    wanted: usize,
    /// Whose replies come now.
    current: Option<usize>,
    /// His replies; none before the mark that follows the login.
    replies: Option<Vec<Reply>>,
    reply: Vec<u8>,
    whole: Vec<Option<Vec<Reply>>>,
}

impl Answers {
    fn new(peers: usize, wanted: usize) -> Self {
        Self { wanted, current: None, replies: None, reply: Vec::new(), whole: vec![None; peers] }
    }

    /// Hears a line; true once all have been asked.
    fn hear(&mut self, line: &[u8]) -> bool {
        let text = line.trim_ascii();
        if let Some(next) = text.strip_prefix(NEXT.as_bytes()) {
            let next = str::from_utf8(next).unwrap_or_default().trim();
            self.current = next.parse().ok();
            self.replies = None;
            self.reply.clear();
            return next == "end";
        }
        if text != MARK.as_bytes() {
            self.reply.extend_from_slice(line);
            return false;
        }
        let reply = std::mem::take(&mut self.reply);
        match &mut self.replies {
            Some(replies) => replies.push(classified(&String::from_utf8_lossy(&reply))),
            None => self.replies = Some(Vec::with_capacity(self.wanted)),
        }
        if self.replies.as_ref().is_some_and(|replies| replies.len() == self.wanted)
            && let Some(whole) = self.current.take().and_then(|index| self.whole.get_mut(index))
        {
            *whole = self.replies.take();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(said: &str) -> (Vec<Option<Vec<Reply>>>, bool) {
        let mut answers = Answers::new(3, 2);
        let said = said.replace("NEXT", NEXT).replace("MARK", MARK);
        let done = said.split_inclusive('\n').any(|line| answers.hear(line.as_bytes()));
        (answers.whole, done)
    }

    #[test]
    fn only_whole_answers_count() {
        let said =
            "OK\nNEXT 0\nOK\nMARK\na b\nc\nMARK\nERR no\nMARK\nOK\nNEXT 1\nOK\nNEXT 2\nMARK\na\nMARK\nOK\nNEXT end\n";
        let (whole, done) = heard(said);
        assert_eq!(whole, [Some(vec![Ok("a b\nc\n".into()), Err("ERR no".into())]), None, None]);
        assert!(done);
    }

    #[test]
    fn what_nobody_asked_for_is_nobodys() {
        let (whole, done) = heard("MARK\na\nMARK\nb\nMARK\nNEXT 7\nMARK\na\nMARK\nb\nMARK\n");
        assert_eq!(whole, [None, None, None]);
        assert!(!done);
    }

    #[test]
    fn the_questions_come_once_whatever_the_number_of_nodes() {
        let credentials = Credentials { user: None, password: Some("a\"b".into()) };
        let peers = [Peer { host: "198.18.0.1".into(), port: 6379 }, Peer { host: "fd00::2".into(), port: 7000 }];
        let script = script(&credentials, &[&["PING"]], &peers).replace(MARK, "MARK");
        assert_eq!(
            script,
            "\"AUTH\" \"a\\\"b\"\nECHO MARK\n\"PING\"\nECHO MARK\n.\n0 198.18.0.1 6379\n1 fd00::2 7000\nend\n.\n"
        );
    }
}
