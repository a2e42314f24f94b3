//! Sends commands to a node and returns its replies as text.

use super::dial::{Dial, Target, Via};
use super::line::{Line, Stream};
use crate::cluster::snapshot::Rejection;
use crate::error::{Error, ErrorKind};
use futures::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, RedisConnectionInfo, Value};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The ACL user (Redis 6 and newer); None for the default user.
    pub user: Option<String>,
    /// None if no password is needed, or if redis-cli in the pod has it.
    pub password: Option<String>,
}

impl Credentials {
    /// The same without the line feed at the password's end, which a Secret made from a file or by
    /// `echo` has, and a server whose script reads it has not.
    fn without_line_feed(&self) -> Option<Self> {
        let shorter = self.password.as_ref()?.strip_suffix('\n')?;
        let password = Some(shorter.strip_suffix('\r').unwrap_or(shorter).to_owned());
        Some(Self { password, user: self.user.clone() })
    }

    /// The AUTH line for redis-cli; none without a password.
    pub fn login(&self) -> Option<String> {
        let words = auth(self);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        (!words.is_empty()).then(|| quoted(&words))
    }
}

/// The text of a reply or of the server's error.
pub type Reply = Result<String, String>;

/// Closed when dropped.
pub struct Node {
    wire: Wire,
    trouble: BoxFuture<'static, Option<String>>,
    /// A hint if the server closes the connection before its first reply.
    advice: Option<&'static str>,
}

enum Wire {
    Server { connection: MultiplexedConnection, driver: JoinHandle<()> },
    Cli { output: BufReader<ReadHalf<Box<dyn Stream>>>, input: WriteHalf<Box<dyn Stream>> },
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Wire::Server { driver, .. } = &self.wire {
            driver.abort();
        }
    }
}

impl Node {
    /// Sends nothing before the first batch.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub async fn connect(dial: &dyn Dial, target: &Target, via: Via) -> Result<Self, Error> {
        let line = dial.dial(target, via).await?;
        let advice = match (&target.tls, &line) {
            (None, _) => Some("if the server uses TLS, add --tls"),
            (Some(tls), Line::Server { .. }) => tls.advice(),
            (Some(_), Line::Cli { .. }) => Some("client certificates work with port-forward only"),
        };
        let line = match &target.tls {
            Some(tls) => tls.wrap(line).await?,
            None => line,
        };
        Ok(match line {
            Line::Server { stream, trouble } => {
                let info = RedisConnectionInfo::default().set_skip_set_lib_name();
                // The caller has a deadline for the whole batch.
                let config = AsyncConnectionConfig::new().set_response_timeout(None);
                let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
                    .await
                    .map_err(|error| Error::user(format!("cannot connect to the server: {error}")))?;
                Self { wire: Wire::Server { connection, driver: tokio::spawn(driver) }, trouble, advice }
            }
            Line::Cli { stream, trouble } => {
                let (output, input) = tokio::io::split(stream);
                Self { wire: Wire::Cli { output: BufReader::new(output), input }, trouble, advice }
            }
        })
    }

    /// Sends AUTH and the commands as one pipeline and reads all replies.
    ///
    /// # Errors
    /// If the server rejects the password, or the connection is lost, with the reason if it is known.
    pub async fn ask(&mut self, credentials: &Credentials, commands: &[&[&str]]) -> Result<Vec<Reply>, Error> {
        let rejected = match self.ask_as(credentials, commands).await {
            Err(error) if error.kind() == ErrorKind::Refused => error,
            replies => return replies,
        };
        match credentials.without_line_feed() {
            Some(shorter) => self.ask_as(&shorter, commands).await.map_err(|_| rejected),
            None => Err(rejected),
        }
    }

    async fn ask_as(&mut self, credentials: &Credentials, commands: &[&[&str]]) -> Result<Vec<Reply>, Error> {
        let auth = auth(credentials);
        let auth: Vec<&str> = auth.iter().map(String::as_str).collect();
        let batch: Vec<&[&str]> =
            std::iter::once(&auth[..]).filter(|auth| !auth.is_empty()).chain(commands.iter().copied()).collect();
        let replies = match &mut self.wire {
            Wire::Server { connection, .. } => ask_server(connection, &batch).await,
            Wire::Cli { output, input } => ask_cli(output, input, &batch).await,
        };
        let mut replies = match replies {
            Ok(replies) => replies,
            Err(broken) => {
                let reason = (&mut self.trouble).await.unwrap_or(broken);
                let advice = self.advice.filter(|_| is_cut(&reason));
                return Err(advice.into_iter().fold(Error::user(reason), Error::hint));
            }
        };
        self.advice = None;
        if !auth.is_empty() {
            replies.remove(0).map_err(|error| match Rejection::of(&error) {
                Some(_) => Error::user(error),
                None => Error::new(ErrorKind::Refused, format!("the server rejected the password: {error}")),
            })?;
        }
        Ok(replies)
    }
}

/// What a server says to a connection on which nothing is sent, if it refuses it: one with TLS says
/// nothing, and neither does one that waits for commands.
pub async fn farewell(dial: &dyn Dial, target: &Target, via: Via) -> Option<String> {
    let line = if target.tls.is_none() { dial.dial(target, via).await.ok()? } else { return None };
    let Line::Server { stream, trouble: _open } = line else { return None };
    let mut sentence = String::new();
    // A refusal is one line; whoever sends more is no Redis server.
    BufReader::new(stream.take(LONGEST_REFUSAL)).read_line(&mut sentence).await.ok()?;
    sentence.strip_prefix('-').map(|text| text.trim_end().to_owned())
}

/// In bytes: that of protected mode has a thousand.
const LONGEST_REFUSAL: u64 = 4096;

/// Whether the server closed the connection, by our own messages or redis-cli's.
fn is_cut(reason: &str) -> bool {
    ["connection lost", "reset by peer", "closed the connection"].iter().any(|words| reason.contains(words))
}

fn auth(credentials: &Credentials) -> Vec<String> {
    match (&credentials.user, &credentials.password) {
        (_, None) => Vec::new(),
        (None, Some(password)) => vec!["AUTH".into(), password.clone()],
        (Some(user), Some(password)) => vec!["AUTH".into(), user.clone(), password.clone()],
    }
}

async fn ask_server(connection: &mut MultiplexedConnection, batch: &[&[&str]]) -> Result<Vec<Reply>, String> {
    let mut pipeline = Pipeline::new();
    for command in batch {
        let (name, arguments) = command.split_first().unwrap_or((&"PING", &[]));
        pipeline.cmd(name);
        for argument in arguments {
            pipeline.arg(*argument);
        }
    }
    let values = connection.send_packed_commands(&pipeline, 0, batch.len()).await;
    values.map_err(|error| format!("connection lost: {error}"))?.into_iter().map(text).collect()
}

fn text(value: Value) -> Result<Reply, String> {
    match value {
        Value::BulkString(bytes) => Ok(Ok(String::from_utf8_lossy(&bytes).into_owned())),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Ok(Ok(text)),
        Value::Int(number) => Ok(Ok(number.to_string())),
        Value::Okay => Ok(Ok("OK".into())),
        Value::Nil => Ok(Ok(String::new())),
        // As redis-cli prints arrays: one element per line.
        Value::Array(values) => {
            let lines = values.into_iter().map(text).collect::<Result<Result<Vec<_>, _>, _>>()?;
            Ok(lines.map(|lines| lines.join("\n")))
        }
        Value::ServerError(error) => {
            Ok(Err(format!("{} {}", error.code(), error.details().unwrap_or_default()).trim_end().to_owned()))
        }
        other => Err(format!("unexpected reply type from the server: {other:?}")),
    }
}

/// An ECHO between commands separates the replies.
const MARK: &str = "kubectl-redis-cluster:end-of-reply";

async fn ask_cli<R, W>(output: &mut BufReader<R>, input: &mut W, batch: &[&[&str]]) -> Result<Vec<Reply>, String>
where
    R: tokio::io::AsyncRead + Unpin,
    W: tokio::io::AsyncWrite + Unpin,
{
    let script: String = batch.iter().map(|command| format!("{}\nECHO {MARK}\n", quoted(command))).collect();
    input.write_all(script.as_bytes()).await.map_err(|error| format!("cannot write to redis-cli: {error}"))?;
    input.flush().await.map_err(|error| format!("cannot write to redis-cli: {error}"))?;
    let mut replies = Vec::with_capacity(batch.len());
    for _ in batch {
        replies.push(read_reply(output).await?);
    }
    Ok(replies)
}

/// redis-cli splits input lines like a shell.
pub(super) fn quoted(command: &[&str]) -> String {
    let escaped =
        |word: &str| word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
    let word = |word: &&str| format!("\"{}\"", escaped(word));
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}

async fn read_reply<R: tokio::io::AsyncRead + Unpin>(output: &mut BufReader<R>) -> Result<Reply, String> {
    let mut reply = Vec::new();
    loop {
        let begin = reply.len();
        let read = output.read_until(b'\n', &mut reply).await.map_err(|error| format!("redis-cli: {error}"))?;
        if read == 0 {
            let output = String::from_utf8_lossy(&reply).trim().to_owned();
            return Err(if output.is_empty() { "redis-cli ended without a response".into() } else { output });
        }
        if reply[begin..].trim_ascii() == MARK.as_bytes() {
            reply.truncate(begin);
            return Ok(classified(&String::from_utf8_lossy(&reply)));
        }
        if let Some(refusal) = refused_twice(&String::from_utf8_lossy(&reply)) {
            return Ok(Err(refusal));
        }
    }
}

/// A server that rejects everything (a script runs, no room for clients) rejects the ECHO too.
fn refused_twice(reply: &str) -> Option<String> {
    let lines: Vec<&str> = reply.lines().filter(|line| !line.trim().is_empty()).collect();
    let [command, echo] = lines[..] else { return None };
    classified(command).err().filter(|_| command == echo)
}

/// redis-cli prints errors like replies: one line that starts with a word in capitals. It adds a
/// line break to replies that do not end with one.
pub(super) fn classified(reply: &str) -> Reply {
    let line = reply.trim_end();
    let first = line.split(' ').next().unwrap_or_default();
    let is_code = first.len() > 2 && first.bytes().all(|byte| byte.is_ascii_uppercase()) && line.contains(' ');
    if is_code && !line.contains('\n') {
        Err(line.to_owned())
    } else if line == "OK" {
        Ok("OK".into())
    } else {
        Ok(reply.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn session(said: &str, commands: &[&[&str]]) -> (Result<Vec<Reply>, String>, String) {
        let mut output = BufReader::new(said.as_bytes());
        let mut input = Vec::new();
        let replies = ask_cli(&mut output, &mut input, commands).await;
        (replies, String::from_utf8(input).expect("text"))
    }

    #[tokio::test]
    async fn redis_cli_replies_are_separated() {
        let said = format!("OK\n{MARK}\na b\nc d\n{MARK}\nERR unknown command\n{MARK}\nx:1\r\ny:2\r\n{MARK}\n");
        let (replies, sent) = session(&said, &[&["AUTH", "a\"b"], &["CLUSTER", "NODES"], &["BAD"], &["INFO"]]).await;
        let replies = replies.expect("all");
        assert_eq!(replies[0], Ok("OK".into()));
        assert_eq!(replies[1], Ok("a b\nc d\n".into()));
        assert_eq!(replies[2], Err("ERR unknown command".into()));
        assert_eq!(replies[3], Ok("x:1\r\ny:2\r\n".into()));
        assert!(sent.starts_with("\"AUTH\" \"a\\\"b\"\nECHO "));
    }

    #[test]
    fn a_password_is_one_word_of_one_line() {
        let credentials = Credentials { user: None, password: Some("a\"b\n".into()) };
        assert_eq!(credentials.login().as_deref(), Some(r#""AUTH" "a\"b\n""#));
    }

    /// It rejects what separates the replies, too, and redis-cli waits for more.
    #[tokio::test]
    async fn a_server_that_rejects_everything_says_why() {
        let busy = "BUSY Redis is busy running a script.";
        let said = format!("{busy}\n\n").repeat(4);
        let (mut cli, ours) = tokio::io::duplex(4096);
        cli.write_all(said.as_bytes()).await.expect("written");
        let (output, mut input) = tokio::io::split(ours);
        let commands: [&[&str]; 2] = [&["CLUSTER", "NODES"], &["INFO"]];
        let replies = ask_cli(&mut BufReader::new(output), &mut input, &commands).await.expect("replies");
        assert_eq!(replies, [Err(busy.to_owned()), Err(busy.to_owned())]);
    }

    #[tokio::test]
    async fn a_redis_cli_that_ends_early_says_why() {
        let (replies, _) = session("Could not connect to Redis at 127.0.0.1:6379\n", &[&["PING"]]).await;
        assert_eq!(replies, Err("Could not connect to Redis at 127.0.0.1:6379".into()));
    }
}
