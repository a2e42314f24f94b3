//! A case: what a node is, what the others have answered, and what must be decided.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// When the others were asked, and after how long a replica is asked to take over: seconds.
const POLLED: i64 = 1000;
const PATIENCE: u32 = 10;

#[derive(Clone, Default, PartialEq)]
struct Line {
    flags: Vec<String>,
    master: Option<u32>,
    slots: Vec<String>,
    epoch: u64,
}

/// What one node knows of all, by their numbers.
type View = BTreeMap<u32, Line>;

struct Answer {
    state: String,
    words: Vec<String>,
    view: View,
}

pub struct Case {
    pub name: String,
    me: u32,
    mode: String,
    words: Vec<String>,
    answers: BTreeMap<u32, Answer>,
    pub expected: String,
}

/// What was decided: in the words of a case, and in those for people.
#[derive(Debug)]
pub struct Told {
    pub decision: String,
    pub text: String,
}

/// All of `cases.txt`.
pub fn cases() -> Vec<Case> {
    let text: Vec<&str> = include_str!("cases.txt").lines().filter(|line| !line.starts_with('#')).collect();
    text.join("\n").split("\n\n").map(str::trim).filter(|text| !text.is_empty()).map(Case::parse).collect()
}

impl Case {
    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let name = lines.next().expect("a name").to_owned();
        let me = lines.next().and_then(|line| line.strip_prefix("me: ")).unwrap_or_else(|| panic!("{name}: no me"));
        let mut words = words(me);
        let mode = words.remove(0);
        let me = words.remove(0).parse().expect("a number");
        let (mut answers, mut verdict, mut written) = (BTreeMap::new(), "", None);
        for line in lines {
            match (line.strip_prefix("= "), line.strip_prefix("> "), line.split_once(": ")) {
                (Some(text), _, _) => verdict = text,
                (_, Some(text), _) => written = Some(text),
                (_, _, Some((number, answer))) => {
                    let number = number.parse().expect("a number");
                    answers.insert(number, Answer::parse(number, answer));
                }
                _ => panic!("{name}: {line}"),
            }
        }
        let expected = verdict.to_owned() + &written.map(wanted).unwrap_or_default();
        Self { name, me, mode, words, answers, expected }
    }

    /// The arguments of an awk, with the files that they name.
    pub fn arguments(&self, program: &Path, folder: &Path) -> Vec<String> {
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
        write("initial", &nodes_conf(&view(Some(self.me)), self.me, 3));
        let heard = self.number("heard").map(|offset| format!("id\n{}\nreplication-offset\n{offset}\n", id(self.me)));
        write("heard", &heard.unwrap_or_default());
        std::fs::create_dir(folder.join("answers")).expect("a folder");
        let own = if self.mode == "kept" { own_nodes_conf(&view(None), self.me) } else { String::new() };
        let mut files = vec![(id(self.me), format!("{}\n{own}", self.mode))];
        files.extend(self.answers.iter().map(|(number, answer)| (id(*number), answer.text(*number))));
        // As a shell lists them.
        files.sort();
        let answers = files.into_iter().map(|(id, text)| {
            let name = format!("answers/{id}");
            write(&name, &text);
            path(&name)
        });
        let yes = |word: &str| if self.words.iter().any(|each| each == word) { "yes" } else { "" };
        let written = self.number("down").map_or(0, |down| POLLED - down);
        [
            format!("me={}", id(self.me)),
            format!("shard={}", id(self.me / 100 * 100 + 1)),
            format!("mode={}", self.mode),
            format!("accepted={}", yes("accepted")),
            format!("formed={}", yes("formed")),
            format!("volumes={}", if yes("memory") == "yes" { "" } else { "yes" }),
            format!("restarted={}", yes("restarted")),
            format!("waited={}", self.number("waited").unwrap_or_default()),
            format!("patience={PATIENCE}"),
            format!("written={written}"),
            format!("polled={POLLED}"),
            format!("output={}", path("output")),
        ]
        .into_iter()
        .flat_map(|variable| ["-v".to_owned(), variable])
        .chain(["-f".to_owned(), program.to_string_lossy().into_owned()])
        .chain(["from=initial".to_owned(), path("initial"), "from=heard".to_owned(), path("heard")])
        .chain(["from=answers".to_owned()])
        .chain(answers)
        .collect()
    }

    fn number(&self, name: &str) -> Option<i64> {
        value(&self.words, name)
    }

    /// What was printed and written.
    pub fn told(&self, printed: &str, folder: &Path) -> Told {
        let (mut told, mut sentence) = (String::new(), String::new());
        let (mut asked, mut ended) = (Vec::new(), Vec::new());
        for (name, value) in printed.lines().filter_map(|line| line.split_once(' ')) {
            match name {
                "verdict" => told += value,
                "node" => told += &format!(" {}", number(value)),
                "text" => value.clone_into(&mut sentence),
                "request" => told += " request",
                "survey" => told += " survey",
                "ask" => asked.push(number(value)),
                "end" => {
                    assert!(value.ends_with(&address(number(value)).replace(":6379", "")), "{value}");
                    ended.push(number(value));
                }
                _ => {}
            }
        }
        for (what, mut numbers) in [(" ask", asked), (" end", ended)] {
            numbers.sort_unstable();
            if !numbers.is_empty() {
                told += what;
                numbers.iter().for_each(|number| told += &format!(" {number}"));
            }
        }
        let written = std::fs::read_to_string(folder.join("output"));
        let aux = if self.mode == "kept" { view(None) } else { View::new() };
        let decision = told + &written.map(|text| written_words(&text, &aux)).unwrap_or_default();
        Told { decision, text: sentence }
    }
}

impl Answer {
    fn parse(number: u32, text: &str) -> Self {
        let mut parts = text.split("; ");
        let mut words = words(parts.next().unwrap_or_default());
        let state = words.remove(0);
        let mut view = view(words.iter().any(|word| word == "new").then_some(number));
        parts.for_each(|change| apply(&mut view, change));
        Self { state, words, view }
    }

    /// As the file that holds it.
    fn text(&self, number: u32) -> String {
        let highest = self.view.values().map(|line| line.epoch).max().unwrap_or_default();
        let current = value(&self.words, "at").map_or(highest, i64::unsigned_abs);
        let has = |word: &str| self.words.iter().any(|each| each == word);
        let known = match self.state.as_str() {
            "kept" => nodes_conf(&self.view, number, current),
            "living" => {
                let replica = self.view.get(&number).is_some_and(|line| line.master.is_some()) && !has("master");
                let mut text = lines(&self.view, number, "@16379");
                let role = if replica { "slave" } else { "master" };
                let cluster = if has("fails") { "fail" } else { "ok" };
                let _ = write!(text, "cluster_state:{cluster}\r\ncluster_current_epoch:{current}\r\nrole:{role}\r\n");
                if has("linked") {
                    text += "master_link_status:up\r\n";
                }
                for (word, field) in [
                    ("functions", "number_of_functions"),
                    ("down", "master_link_down_since_seconds"),
                    ("offset", "slave_repl_offset"),
                ] {
                    if let Some(value) = value(&self.words, word) {
                        let _ = write!(text, "{field}:{value}\r\n");
                    }
                }
                let _ = writeln!(text, "{}", value(&self.words, "keys").unwrap_or_default());
                text
            }
            _ => String::new(),
        };
        format!("{}\n{known}", self.state)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The number behind a word.
fn value(words: &[String], name: &str) -> Option<i64> {
    let at = words.iter().position(|word| word == name)?;
    words.get(at + 1)?.parse().ok()
}

/// The usual view; of a new cluster by somebody who has heard of nobody yet.
fn view(of_new: Option<u32>) -> View {
    let slots = ["0-5460", "5461-10922", "10923-16383"];
    let line = |(index, position): (usize, u32)| {
        let shard = u32::try_from(index).expect("small") + 1;
        let number = shard * 100 + position;
        let epoch = if of_new.is_none_or(|myself| myself == number) { u64::from(shard) } else { 0 };
        let replica = position == 2;
        let master = replica.then_some(number - 1);
        let slots = if replica { vec![] } else { vec![slots[index].to_owned()] };
        (number, Line { flags: vec![], master, slots, epoch })
    };
    (0..3).flat_map(|index| [(index, 1), (index, 2)]).map(line).collect()
}

/// `102 master 0-5460 @7 fail`.
fn apply(view: &mut View, change: &str) {
    let mut words = change.split_whitespace();
    let number = words.next().and_then(|word| word.parse().ok()).expect("a number");
    let mut line = view.remove(&number).unwrap_or_default();
    while let Some(word) = words.next() {
        match word {
            "unknown" => return,
            "master" => line = Line { master: None, slots: vec![], ..line },
            "slave" => {
                let master = words.next().and_then(|word| word.parse().ok());
                line = Line { master, slots: vec![], ..line };
            }
            _ if word.starts_with('@') => line.epoch = word[1..].parse().expect("an epoch"),
            _ if word.starts_with(|first: char| first.is_ascii_digit()) => line.slots.push(word.to_owned()),
            flag => line.flags.push(flag.to_owned()),
        }
    }
    view.insert(number, line);
}

fn id(number: u32) -> String {
    format!("0123456789abcdef0123456789abcdnode{number:06}")
}

fn number(id: &str) -> u32 {
    let id = id.split(' ').next().unwrap_or_default();
    id.rsplit_once("node").and_then(|(_, digits)| digits.parse().ok()).unwrap_or_default()
}

fn address(number: u32) -> String {
    format!("127.0.0.{}:6379", number / 100 * 10 + number % 100)
}

fn lines(view: &View, myself: u32, bus: &str) -> String {
    let text = |(number, line): (&u32, &Line)| {
        let myself = if *number == myself { "myself," } else { "" };
        let role = if line.master.is_some() { "slave" } else { "master" };
        let flags: String = line.flags.iter().map(|flag| format!(",{flag}")).collect();
        let master = line.master.map_or_else(|| "-".to_owned(), id);
        let slots: String = line.slots.iter().map(|range| format!(" {range}")).collect();
        let (id, address) = (id(*number), address(*number));
        format!("{id} {address}{bus} {myself}{role}{flags} {master} 0 0 {} connected{slots}\n", line.epoch)
    };
    view.iter().map(text).collect()
}

fn nodes_conf(view: &View, myself: u32, current: u64) -> String {
    format!("{}vars currentEpoch {current} lastVoteEpoch 0\n", lines(view, myself, ""))
}

/// A node's own, as servers since 7.2 write it: with the IDs of the shards.
fn own_nodes_conf(view: &View, myself: u32) -> String {
    let with_shard = |line: &str| {
        let (id, rest) = line.split_once(' ').unwrap_or_default();
        let (address, rest) = rest.split_once(' ').unwrap_or_default();
        format!("{id} {address}{} {rest}\n", aux(number(id)))
    };
    let text = nodes_conf(view, myself, 3);
    text.lines().map(|line| if line.starts_with("vars") { format!("{line}\n") } else { with_shard(line) }).collect()
}

fn aux(number: u32) -> String {
    format!(",,shard-id={}", id(number / 100 * 100 + 1))
}

/// The nodes.conf that is to be written, one line a node.
fn wanted(changes: &str) -> String {
    let mut view = view(None);
    let mut epoch = None;
    for change in changes.split("; ") {
        match change.strip_prefix("epoch ") {
            Some(number) => epoch = number.parse().ok(),
            None => apply(&mut view, change),
        }
    }
    let highest = view.values().map(|line| line.epoch).max().unwrap_or_default();
    let lines = view.iter().map(|(number, line)| {
        let role = line.master.map_or_else(|| "-".to_owned(), |master| master.to_string());
        let words = [&[number.to_string()], &line.flags[..], &[role, format!("@{}", line.epoch)], &line.slots].concat();
        format!("\n{}", words.join(" "))
    });
    let epoch: u64 = epoch.unwrap_or(highest);
    lines.chain([format!("\nepoch {epoch}")]).collect()
}

/// The same of what was written; with the shard's ID for those whose own line has it.
fn written_words(text: &str, with_aux: &View) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields[0] == "vars" {
            assert_eq!(fields[2], fields[4], "no vote is given twice in an epoch");
            lines.push(format!("epoch {}", fields[2]));
            continue;
        }
        let number_of_line = number(fields[0]);
        let (place, kept) = fields[1].split_once(',').map_or((fields[1], None), |(place, kept)| (place, Some(kept)));
        assert_eq!(place.split('@').next(), Some(address(number_of_line).as_str()));
        let expected = with_aux.contains_key(&number_of_line).then(|| aux(number_of_line)[1..].to_owned());
        assert_eq!(kept.map(str::to_owned), expected, "{text}");
        let flags = fields[2].split(',').filter(|flag| !["master", "slave"].contains(flag));
        let master = if fields[3] == "-" { "-".to_owned() } else { number(fields[3]).to_string() };
        let words: Vec<String> = std::iter::once(number_of_line.to_string())
            .chain(flags.map(str::to_owned))
            .chain([master, format!("@{}", fields[6])])
            .chain(fields[8..].iter().map(|range| (*range).to_owned()))
            .collect();
        lines.push(words.join(" "));
    }
    lines.sort();
    lines.iter().map(|line| format!("\n{line}")).collect()
}
