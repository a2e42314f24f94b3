//! What is allowed, and yet a person should know of a wish before it comes true.

use super::config::maxmemory;
use super::quantity::Size;
use super::spec::{Entrypoint, Spec};

/// What a server without keys takes, with the buffers of its bus and its replicas.
const SERVER: u64 = 16 << 20;

/// One sentence each, ready for a warning.
pub fn advice(spec: &Spec) -> Vec<String> {
    [own_entry_point(spec), no_copies(spec), little_memory(spec), crowded_memory(spec), small_volume(spec), hasty(spec)]
        .into_iter()
        .flatten()
        .collect()
}

fn own_entry_point(spec: &Spec) -> Option<String> {
    (spec.image.entrypoint == Entrypoint::Image).then(|| {
        "the image's own entry point may run as root: these pods do not satisfy the restricted Pod Security Standard, \
         and nothing guards the start of a node that lost its data"
            .to_owned()
    })
}

fn no_copies(spec: &Spec) -> Option<String> {
    let alone = spec.resources.storage.is_none() && spec.shape.replicas() == 0;
    (alone && spec.image.entrypoint == Entrypoint::Bootstrap).then(|| {
        "without volumes and replicas, a pod that restarts loses its keys, and its shard waits for accept-loss"
            .to_owned()
    })
}

fn little_memory(spec: &Spec) -> Option<String> {
    let limit = spec.resources.memory.bytes();
    (limit < maxmemory(limit) + SERVER).then(|| {
        format!(
            "{} of memory leave no room beside the keys: the server itself takes about {} MiB; use --memory 64Mi or more",
            spec.resources.memory,
            SERVER >> 20
        )
    })
}

/// Settings of the user's own that reserve more than there is.
fn crowded_memory(spec: &Spec) -> Option<String> {
    let limit = spec.resources.memory.bytes();
    let reserved: u64 = spec.redis.config.iter().filter_map(|line| reserve(line)).sum();
    (reserved > 0 && maxmemory(limit) + reserved + SERVER > limit).then(|| {
        format!(
            "the replication buffers of --config may take {} MiB; with {} MiB for keys that is more than {}: \
             the kernel may end the server when they fill",
            reserved >> 20,
            maxmemory(limit) >> 20,
            spec.resources.memory
        )
    })
}

/// The bytes that a line of redis.conf sets aside for replication.
fn reserve(line: &str) -> Option<u64> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["repl-backlog-size", size] => bytes(size),
        ["client-output-buffer-limit", "slave" | "replica", hard, ..] => bytes(hard),
        _ => None,
    }
}

/// A size as redis.conf has it: `64mb`, `1g`, `1048576`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// The append-only file and its successor are on disk at the same time.
fn small_volume(spec: &Spec) -> Option<String> {
    let needed = 2 * maxmemory(spec.resources.memory.bytes());
    let size: &Size = &spec.resources.storage.as_ref()?.size;
    (size.bytes() < needed).then(|| {
        format!(
            "a volume of {size} may be too small: {} MiB of keys need up to {} MiB while the append-only file is rewritten",
            needed >> 21,
            needed >> 20
        )
    })
}

fn hasty(spec: &Spec) -> Option<String> {
    (spec.redis.node_timeout_ms < 1000).then(|| {
        format!("with a node timeout of {} ms every short pause is taken for a failure", spec.redis.node_timeout_ms)
    })
}

#[cfg(test)]
mod tests {
    use super::super::assembly::tests::spec;
    use super::*;

    #[test]
    fn the_default_needs_none() {
        assert!(advice(&spec()).is_empty());
    }

    #[test]
    fn wishes_that_hardly_work() {
        let mut spec = spec();
        spec.image.entrypoint = Entrypoint::Image;
        spec.resources.memory = "32Mi".parse().expect("a size");
        spec.redis.config =
            vec!["repl-backlog-size 10mb".into(), "client-output-buffer-limit replica 1gb 1mb 60".into()];
        spec.redis.node_timeout_ms = 500;
        if let Some(storage) = &mut spec.resources.storage {
            storage.size = "16Mi".parse().expect("a size");
        }
        insta::assert_snapshot!(advice(&spec).join("\n"));
    }

    #[test]
    fn sizes_of_redis_conf() {
        assert_eq!(
            [bytes("64mb"), bytes("1G"), bytes("7"), bytes("x")],
            [Some(64 << 20), Some(1_000_000_000), Some(7), None]
        );
    }
}
