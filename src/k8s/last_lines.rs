//! Pure: what a terminated container's log says about why it ended. The line that says it comes
//! first: whatever is shortened is shortened at its end.

/// Log lines to read. A server that cannot use its configuration prints five, its banner is twenty,
/// and a crash report has its cause at the top.
pub const MANY: i64 = 100;

/// Lines to tell.
const FEW: usize = 3;

/// None if there are no lines.
pub fn telling(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty() && !is_art(line)).collect();
    if let Some(start) = lines.iter().rposition(|line| line.contains("FATAL CONFIG FILE ERROR")) {
        let said: Vec<&str> = lines[start..].iter().map(|line| line.trim_matches(['*', ' '])).take(FEW + 2).collect();
        return Some(said.join(" / "));
    }
    let fatal = fatal(&lines)?;
    let rest = (lines.len().saturating_sub(FEW)..lines.len()).filter(|index| *index != fatal);
    let told = std::iter::once(fatal).chain(rest).take(FEW).map(|index| lines[index]);
    Some(told.collect::<Vec<_>>().join(" / "))
}

/// A line of the server's logo: signs alone, or many of them before its port, process or address.
fn is_art(line: &str) -> bool {
    const MANY: usize = 15;
    let begin = line.chars().take_while(|sign| " _.,-`'|/\\()".contains(*sign)).count();
    begin >= MANY || begin == line.chars().count()
}

const CRASHES: [&str; 3] = ["crashed by signal", "assertion failed", "guru meditation"];

/// What servers say with their last words.
const ENDS: [&str; 5] = ["unrecoverable", "aborting", "exiting", "fatal", "can't"];

/// What programs and shells say.
const REASONS: [&str; 10] =
    ["error", "cannot", "failed", "unable to", "bad ", "invalid", "denied", "not found", "no such", "wrong "];

/// The place of the line that says why: of a crash report its cause, else what the server gives as its
/// reason, else the last line that sounds like one, else the last one.
fn fatal(lines: &[&str]) -> Option<usize> {
    let last = lines.len().checked_sub(1)?;
    let has = |line: &&str, words: &[&str]| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    };
    let server_says = |line: &&str| line.contains(" # ") && !line.contains("WARNING");
    let crash = lines.iter().position(|line| has(line, &CRASHES));
    let end = || lines.iter().rposition(|line| server_says(line) && has(line, &ENDS));
    let reason = || lines.iter().rposition(|line| has(line, &REASONS) && !line.contains("WARNING"));
    Some(crash.or_else(end).or_else(reason).unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANNER: &str = "1:C 30 Nov 2026 05:34:52.952 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo
1:C 30 Nov 2026 05:34:52.952 # Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid=1, just started
1:C 30 Nov 2026 05:34:52.952 # Configuration loaded
1:M 30 Nov 2026 05:34:52.960 * monotonic clock: POSIX clock_gettime
                _._
           _.-``__ ''-._
      _.-``    `.  `_.  ''-._           Redis 7.0.15 (00000000/0) 64 bit
  .-`` .-```.  ```\\/    _.,_ ''-._
 (    '      ,       .-`  | `,    )     Running in cluster mode
 |`-._`-...-` __...-.``-._|'` _.-'|     Port: 7998
 |    `-._   `._    /     _.-'    |     PID: 1
  `-._    `-._  `-./  _.-'    _.-'
 |`-._`-._    `-.__.-'    _.-'_.-'|
 |    `-._`-._        _.-'_.-'    |           https://redis.io
  `-._    `-._`-.__.-'_.-'    _.-'
 |`-._`-._    `-.__.-'    _.-'_.-'|
 |    `-._`-._        _.-'_.-'    |
  `-._    `-._`-.__.-'_.-'    _.-'
      `-._    `-.__.-'    _.-'
          `-._        _.-'
              `-.__.-'

1:M 30 Nov 2026 05:34:52.944 # Server initialized
1:M 30 Nov 2026 05:34:52.944 # WARNING Memory overcommit must be enabled! It can fail
";

    fn of(rest: &str) -> String {
        telling(&format!("{BANNER}{rest}")).expect("lines")
    }

    #[test]
    fn the_fatal_line_comes_before_the_banner() {
        let log = "1:M 30 Nov 2026 05:34:52.917 # Unrecoverable error: corrupted cluster config file.";
        assert!(of(log).starts_with(log), "{}", of(log));
        let bind = "1:M 05:34:52.960 # Warning: Could not create server TCP listening socket 9.9.9.9:7998
1:M 05:34:52.960 # Failed listening on port 7998 (TCP), aborting.";
        assert!(of(bind).starts_with("1:M 05:34:52.960 # Failed listening on port 7998 (TCP), aborting. / 1:M"));
        // What the server says of itself comes before what its checker prints about the file.
        let dump = "1:M 05:34:52.945 # Short read or OOM loading DB. Unrecoverable error, aborting now.
1:M 05:34:52.945 # Internal error in RDB reading offset 0, function at rdb.c:3249 -> Unexpected EOF
[offset 0] Checking RDB file dump.rdb
--- RDB ERROR DETECTED ---
[info] 0 keys read
[info] 0 expires";
        assert!(of(dump).starts_with("1:M 05:34:52.945 # Short read or OOM loading DB."), "{}", of(dump));
        let crash = "=== REDIS BUG REPORT START: Cut & paste starting from here ===
1:M 05:34:52.945 # Redis 7.0.15 crashed by signal: 11, si_code: 1
1:M 05:34:52.945 # Accessing address: (nil)
------ STACK TRACE ------
error code 4
------ INFO OUTPUT ------";
        assert!(of(crash).starts_with("1:M 05:34:52.945 # Redis 7.0.15 crashed by signal: 11"), "{}", of(crash));
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_told_whole() {
        let log = "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 1
>>> 'foo bar'\nBad directive or wrong number of arguments\n";
        let told = "FATAL CONFIG FILE ERROR (Redis 7.0.15) / Reading the configuration file, at line 1 / \
                    >>> 'foo bar' / Bad directive or wrong number of arguments";
        assert_eq!(telling(log).as_deref(), Some(told));
        assert_eq!(of(log), told);
    }

    #[test]
    fn other_programs_are_told_by_their_last_lines() {
        assert_eq!(telling("so it is\n").as_deref(), Some("so it is"));
        assert_eq!(telling("a\nb\nc\nd\n").as_deref(), Some("d / b / c"));
        assert_eq!(telling("sh: redis-srver: not found\nbye\n").as_deref(), Some("sh: redis-srver: not found / bye"));
        assert_eq!(telling("\n \n"), None);
        let only_logo: String = BANNER.lines().skip(4).take(17).map(|line| format!("{line}\n")).collect();
        assert_eq!(telling(&only_logo), None);
    }
}
