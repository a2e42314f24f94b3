//! Warnings about a spec that is valid but risky.

use super::config::maxmemory;
use super::quantity::Size;
use super::settings::{Owner, owner};
use super::spec::{Entrypoint, Spec};

/// Bytes that a server without keys uses, with the buffers of its bus and replicas.
const SERVER: u64 = Spec::LEAST_MEMORY;

/// One sentence for each warning.
pub fn advice(spec: &Spec) -> Vec<String> {
    [
        image_entrypoint(spec),
        no_copies(spec),
        little_memory(spec),
        crowded_memory(spec),
        small_volume(spec),
        short_timeout(spec),
        unknown_settings(spec),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn image_entrypoint(spec: &Spec) -> Option<String> {
    (spec.image.entrypoint == Entrypoint::Image).then(|| {
        "the image's own entry point may run as root: these pods do not satisfy the restricted Pod Security Standard, \
         and a node that lost its data starts unguarded"
            .to_owned()
    })
}

fn no_copies(spec: &Spec) -> Option<String> {
    let alone = spec.resources.storage.is_none() && spec.shape.replicas() == 0;
    (alone && spec.image.entrypoint == Entrypoint::Bootstrap).then(|| {
        "without volumes and replicas, a restarted pod loses its keys, and its shard waits for accept-loss".to_owned()
    })
}

fn little_memory(spec: &Spec) -> Option<String> {
    let limit = spec.resources.memory.bytes();
    (limit < maxmemory(limit) + SERVER).then(|| {
        format!(
            "{} of memory is too little: the server itself needs about {} MiB; use --memory 64Mi or more",
            with_unit(&spec.resources.memory),
            SERVER >> 20
        )
    })
}

fn with_unit(size: &Size) -> String {
    let text = size.to_string();
    if text.bytes().all(|byte| byte.is_ascii_digit()) { format!("{text} bytes") } else { text }
}

/// `--config` lines that reserve more memory than the limit leaves.
fn crowded_memory(spec: &Spec) -> Option<String> {
    let limit = spec.resources.memory.bytes();
    let reserved: u64 = spec.redis.config.iter().filter_map(|line| reserve(line)).sum();
    (reserved > 0 && maxmemory(limit) + reserved + SERVER > limit).then(|| {
        format!(
            "--config allows {} MiB of replication buffers; with {} MiB for keys that exceeds {}: \
             the server may be OOM-killed when they fill",
            reserved >> 20,
            maxmemory(limit) >> 20,
            spec.resources.memory
        )
    })
}

/// Bytes that a line of redis.conf reserves for replication.
fn reserve(line: &str) -> Option<u64> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["repl-backlog-size", size] => bytes(size),
        ["client-output-buffer-limit", "slave" | "replica", hard, ..] => bytes(hard),
        _ => None,
    }
}

/// redis.conf's sizes: `64mb`, `1g`, `1048576`.
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

/// During a rewrite, the old and the new append-only file are both on disk.
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

fn short_timeout(spec: &Spec) -> Option<String> {
    (spec.redis.node_timeout_ms < 1000).then(|| {
        format!("with a node timeout of {} ms every short pause counts as a failure", spec.redis.node_timeout_ms)
    })
}

/// Only a warning: a newer server may have it.
fn unknown_settings(spec: &Spec) -> Option<String> {
    let names = spec.redis.config.iter().filter_map(|line| line.split(' ').next());
    let unknown: Vec<String> =
        names.filter(|name| owner(name) == Owner::Unknown).map(|name| format!("\"{name}\"")).collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "--config: no server from Redis 3.0 to Valkey 9.1 has a setting {}: if this image's has not either, no pod starts",
            unknown.join(", ")
        )
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
    fn risky_specs() {
        let mut spec = spec();
        spec.image.entrypoint = Entrypoint::Image;
        spec.resources.memory = "32Mi".parse().expect("a size");
        spec.redis.config = vec![
            "repl-backlog-size 10mb".into(),
            "client-output-buffer-limit replica 1gb 1mb 60".into(),
            "foo bar".into(),
        ];
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
