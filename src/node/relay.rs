//! Many nodes asked through the redis-cli of one pod, one after the other.
//!
//! A stream to a pod costs the API server and a kubelet some ten milliseconds of work, one
//! more connection of a redis-cli that runs already costs less than one. Only whole
//! answers count: whoever gave none is to be asked by itself.

use super::connection::{Credentials, MARK, Reply, classified, quoted};
use super::dial::Line;
use std::borrow::Cow;
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

/// The program of a relay, for a pod whose server listens on `port`. It reads the line that
/// logs in, the questions, a dot, a line `INDEX HOST PORT` for each node, and a dot; for the
/// end of standard input does not reach a pod before Kubernetes 1.30. The pod's own server
/// answers in between, so that it is seen who is asked. A node that hangs would hold it up:
/// it ends after two seconds, and leaves no process behind that nobody waits for.
///
/// Nodes tell much the same, and each megabyte on the way through a kubelet and the API
/// server costs as much as the asking: a line that was there before is only its number, with
/// the two times in which the lines of CLUSTER NODES differ.
pub fn command(port: u16) -> Vec<String> {
    const SCRIPT: &str = "\
cli=$(command -v redis-cli || command -v valkey-cli) || exit 1
login='' questions='' peers=''
IFS= read -r login
while IFS= read -r line && [ \"$line\" != . ]; do questions=\"$questions$line
\"; done
while IFS= read -r line && [ \"$line\" != . ]; do peers=\"$peers$line
\"; done
relay() {
    printf %s \"$peers\" | while read -r index host port; do
        printf 'CONNECT 127.0.0.1 %s\\n%s\\nECHO \"@NEXT@ %s\"\\n' \"$1\" \"$login\" \"$index\"
        [ -z \"$host\" ] || printf 'CONNECT %s %s\\n%s\\n%s' \"$host\" \"$port\" \"$login\" \"$questions\"
    done | \"$cli\" -p \"$1\" 2>/dev/null &
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
command -v awk >/dev/null || { relay \"$0\"; exit; }
relay \"$0\" | awk '
    length($1) == 40 && NF > 7 {
        line = $0; sent = $5; heard = $6
        $5 = $6 = \"*\"
        if ($0 in known) print \"@TIMES@\" known[$0], sent, heard
        else { known[$0] = ++lines; print line }
        next
    }
    $0 in known { print \"@SAME@\" known[$0]; next }
    { known[$0] = ++lines; print }'";
    let script = [("@NEXT@", NEXT), ("@SAME@", SAME), ("@TIMES@", TIMES)]
        .into_iter()
        .fold(SCRIPT.to_owned(), |script, (name, text)| script.replace(name, text));
    ["sh", "-c", &script, &port.to_string()].map(str::to_owned).into()
}

/// What the relay's own server echoes before each node's answers.
const NEXT: &str = "kubectl-redis-cluster:next";

/// What begins the number of a line that was there before.
const SAME: &str = "=";

/// The same, with two times instead of that line's.
const TIMES: &str = "~";

/// Asks every peer the same, as far as the relay gets within `patience`; none for who gave no
/// whole answer.
pub async fn ask(
    line: Line,
    credentials: &Credentials,
    commands: &[&[&str]],
    peers: &[Peer],
    patience: Duration,
) -> Vec<Option<Vec<Reply>>> {
    let mut answers = Answers::new(peers.len(), commands.len());
    // The process lives as long as somebody may still ask why it ended.
    let Line::Cli { stream, trouble: _process } = line else { return answers.whole };
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
            Some(line) => answers.hear(&line),
            None => {
                known.push(line);
                answers.hear(line);
            }
        }
    }
    answers.whole
}

/// The line that was there before, when this one only means it.
fn before<'a>(line: &str, known: &[&'a str]) -> Option<Cow<'a, str>> {
    let at = |number: &str| known.get(number.parse::<usize>().ok()?.checked_sub(1)?).copied();
    if let Some(number) = line.strip_prefix(SAME) {
        return at(number).map(Cow::Borrowed);
    }
    let mut words = line.strip_prefix(TIMES)?.split(' ');
    let (line, sent, heard) = (at(words.next()?)?, words.next()?, words.next()?);
    let mut fields: Vec<&str> = line.split(' ').collect();
    *fields.get_mut(4)? = sent;
    *fields.get_mut(5)? = heard;
    Some(Cow::Owned(fields.join(" ")))
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
    reply: String,
    whole: Vec<Option<Vec<Reply>>>,
}

impl Answers {
    fn new(peers: usize, wanted: usize) -> Self {
        Self { wanted, current: None, replies: None, reply: String::new(), whole: vec![None; peers] }
    }

    fn hear(&mut self, line: &str) {
        if let Some(next) = line.strip_prefix(NEXT) {
            // After the last one comes "end", which is nobody.
            self.current = next.trim().parse().ok();
            self.replies = None;
            self.reply.clear();
            return;
        }
        if line != MARK {
            self.reply.push_str(line);
            self.reply.push('\n');
            return;
        }
        let reply = std::mem::take(&mut self.reply);
        match &mut self.replies {
            Some(replies) => replies.push(classified(&reply)),
            None => self.replies = Some(Vec::with_capacity(self.wanted)),
        }
        if self.replies.as_ref().is_some_and(|replies| replies.len() == self.wanted)
            && let Some(whole) = self.current.take().and_then(|index| self.whole.get_mut(index))
        {
            *whole = self.replies.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(said: &str) -> Vec<Option<Vec<Reply>>> {
        let mut answers = Answers::new(3, 2);
        let said = said.replace("NEXT", NEXT).replace("MARK", MARK);
        said.lines().for_each(|line| answers.hear(line));
        answers.whole
    }

    #[test]
    fn only_whole_answers_count() {
        let said =
            "OK\nNEXT 0\nOK\nMARK\na b\nc\nMARK\nERR no\nMARK\nOK\nNEXT 1\nOK\nNEXT 2\nMARK\na\nMARK\nOK\nNEXT end\n";
        assert_eq!(heard(said), [Some(vec![Ok("a b\nc\n".into()), Err("ERR no".into())]), None, None]);
    }

    #[test]
    fn what_was_there_before_is_not_said_again() {
        let known = ["role:master", "id 198.18.0.1:6379@16379 master - 0 1 7 connected 0-5460"];
        assert_eq!(before("=1", &known).as_deref(), Some("role:master"));
        let later = before("~2 3 4", &known);
        assert_eq!(later.as_deref(), Some("id 198.18.0.1:6379@16379 master - 3 4 7 connected 0-5460"));
        for new in ["=3", "=0", "~1 3 4", "~2", "role:slave"] {
            assert_eq!(before(new, &known), None, "{new}");
        }
    }

    #[test]
    fn what_nobody_asked_for_is_nobodys() {
        let whole = heard("MARK\na\nMARK\nb\nMARK\nNEXT 7\nMARK\na\nMARK\nb\nMARK\n");
        assert_eq!(whole, [None, None, None]);
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
