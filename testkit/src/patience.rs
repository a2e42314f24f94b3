//! Waits: each has a deadline, says what it waited for, and tells when it came near the deadline.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many times as long a thing may take on a busy machine.
const BUSY: u32 = 8;
/// Pauses between two looks: as long as a look takes, within these.
const PAUSE: Duration = Duration::from_millis(100);
const LONG_PAUSE: Duration = Duration::from_millis(500);

/// Waits for a condition that takes less than so many seconds on a machine with nothing else to
/// do; fails with what was waited for.
pub fn until(seconds: u64, what: &str, mut condition: impl FnMut() -> bool) {
    wait(seconds, what, || if condition() { Ok(()) } else { Err(String::new()) });
}

/// The same for what is hard to guess from outside: `look` returns what was waited for, or what is
/// there instead, which is shown in the end.
pub fn wait<T>(seconds: u64, what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let (begin, patience) = (Instant::now(), Duration::from_secs(seconds) * BUSY);
    loop {
        let looked = Instant::now();
        let instead = match look() {
            Ok(seen) => {
                report(what, begin.elapsed(), patience);
                return seen;
            }
            Err(instead) => instead,
        };
        assert!(begin.elapsed() < patience, "waited {} s for {what}\n{instead}", patience.as_secs());
        std::thread::sleep(looked.elapsed().clamp(PAUSE, LONG_PAUSE));
    }
}

/// A wait that came near its deadline will miss it one day. What a test prints is not seen while
/// it passes, so this goes into the file that the variable `SLOW_WAITS` names.
pub fn report(what: &str, used: Duration, patience: Duration) {
    let (Some(file), Some(line)) = (std::env::var_os("SLOW_WAITS"), slow(what, used, patience)) else { return };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let program = std::env::args().next().unwrap_or_default();
    let program = Path::new(&program).file_stem().unwrap_or_default().to_string_lossy();
    let program = program.rsplit_once('-').map_or(&*program, |(name, _)| name);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
    // One write: tests run side by side.
    file.and_then(|mut file| file.write_all(format!("{line} ({program} {test})\n").as_bytes())).expect("written");
}

/// What is said of a wait that used more than half of its patience.
fn slow(what: &str, used: Duration, patience: Duration) -> Option<String> {
    let share = used.as_secs_f64() / patience.as_secs_f64() * 100.0;
    (share > 50.0).then(|| format!("{share:3.0} % of {} s for {what}", patience.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slow_wait_is_told() {
        let patience = Duration::from_secs(40);
        assert_eq!(slow("tea", Duration::from_secs(20), patience), None);
        assert_eq!(slow("tea", Duration::from_secs(30), patience), Some(" 75 % of 40 s for tea".into()));
    }

    #[test]
    fn a_wait_looks_again_and_returns_what_it_saw() {
        let mut looks = 0;
        let seen = wait(1, "the third look", || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(format!("look {looks}")) }
        });
        assert_eq!(seen, 3);
    }

    #[test]
    #[should_panic(expected = "waited 0 s for tea\nan empty cup")]
    fn what_is_there_instead_is_shown() {
        wait(0, "tea", || Err::<(), _>("an empty cup".into()));
    }
}
