//! What a slow disk has not taken when its server is killed.

use std::fs::OpenOptions;
use std::path::Path;

/// Half of what is in the AOF of a data folder is not there: a file, and since Redis 7 a folder
/// of them, of which the newest is written to. Whether there is one: in memory there is none.
pub fn lose_half(data: &Path) -> bool {
    let files = std::fs::read_dir(data.join("appendonlydir")).into_iter().flatten().flatten().map(|file| file.path());
    let newest = files
        .filter(|path| path.to_string_lossy().contains(".incr."))
        .max_by_key(|path| path.metadata().and_then(|file| file.modified()).ok());
    let Some(aof) = newest.or_else(|| Some(data.join("appendonly.aof")).filter(|path| path.exists())) else {
        return false;
    };
    let file = OpenOptions::new().write(true).open(aof).expect("the AOF");
    file.set_len(file.metadata().expect("its length").len() / 2).expect("shorter");
    true
}
