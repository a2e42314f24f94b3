//! What redis-cli prints, read by the tests.

/// The replies to so many GETs or SETs of values without a space, one a line, when none of
/// them is an error: a shard may not be served for a moment, and a key that nobody could
/// answer for is not a lost one. An empty reply is.
pub fn all_answered(printed: &str, asked: usize) -> Option<Vec<String>> {
    // In cluster mode redis-cli says where it goes on.
    let replies: Vec<_> = printed.lines().filter(|line| !line.starts_with("-> ")).map(str::to_owned).collect();
    // An error has a code and a text, or says what could not be reached.
    (replies.len() == asked && !replies.iter().any(|reply| reply.contains(' '))).then_some(replies)
}
