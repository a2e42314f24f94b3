//! What is done to the servers: for each class of states some ways to get there.

use super::plain::{Plain, SERVERS, SHARDS, ranges, soon};
use kubectl_redis_cluster::ops::questions::Scope;

/// Random numbers that are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        // Xorshift; the lowest bits are its worst.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A slot of a shard.
    fn slot(&mut self, shard: usize) -> u16 {
        let range = ranges()[shard];
        range.first + u16::try_from(self.below(range.size().into())).expect("a slot")
    }

    /// A few slots of a shard, as the commands want them.
    fn slots(&mut self, shard: usize) -> String {
        let first = self.slot(shard);
        let last = ranges()[shard].last.min(first + u16::try_from(self.below(40)).expect("small"));
        format!("{first} {last}")
    }

    /// Another one of `count`.
    fn other(&mut self, than: usize, count: usize) -> usize {
        (than + 1 + self.below(count - 1)) % count
    }
}

/// Does something to the servers, around one shard.
pub type Fault = fn(&mut Plain, &mut Dice, usize);

/// The classes of states, and what leads there.
pub const CLASSES: [(&str, Fault); 8] = [
    ("healthy", harmless),
    ("uncovered", uncover),
    ("open", open),
    ("disagreeing", disagree),
    ("owned twice", own_twice),
    ("unreachable", make_unreachable),
    ("without slots", take_slots),
    ("re-pointed", re_point),
];

/// What redis-cli and operators do every day.
fn harmless(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    let (master, replica) = (servers.master(shard), servers.replica(shard));
    match dice.below(5) {
        0 => {}
        1 => {
            let (key, _) = key_in(servers, dice, shard);
            servers.order(master, &format!("SET {key} 1"));
            soon("the replica to have the key", || servers.tell(replica, "DBSIZE") == Ok("1".into()));
        }
        2 => {
            servers.order(master, "CLUSTER BUMPEPOCH");
            servers.greet();
        }
        3 => move_slots(servers, &dice.slots(shard), dice.other(shard, SHARDS)),
        _ => {
            servers.order(replica, "CLUSTER FAILOVER");
            soon("the failover", || {
                let role = |node| servers.tell(node, "ROLE").unwrap_or_default();
                role(replica).starts_with("master") && role(master).contains("connected")
            });
            servers.greet();
        }
    }
}

fn uncover(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    let command = format!("CLUSTER DELSLOTSRANGE {}", dice.slots(shard));
    let master = servers.master(shard);
    match dice.below(3) {
        0 => servers.order(master, &command),
        1 => servers.order_all(&command),
        _ => {
            servers.order(master, &command);
            let others = servers.running().into_iter().filter(|node| *node != master);
            let some: Vec<usize> = others.filter(|_| dice.one_in(2)).collect();
            some.into_iter().for_each(|node| servers.order(node, &command));
        }
    }
}

fn open(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    let other = dice.other(shard, SHARDS);
    let (from, to) = (servers.master(shard), servers.master(other));
    let third = servers.master(SHARDS - shard - other);
    let sides = dice.below(4);
    for _ in 0..=dice.below(4) {
        let slot = dice.slot(shard);
        if sides != 0 {
            servers.order(from, &format!("CLUSTER SETSLOT {slot} MIGRATING {}", servers.id(to)));
        }
        if sides != 1 {
            servers.order(to, &format!("CLUSTER SETSLOT {slot} IMPORTING {}", servers.id(from)));
        }
        if sides == 3 {
            servers.order(third, &format!("CLUSTER SETSLOT {slot} IMPORTING {}", servers.id(from)));
        }
    }
}

/// Some node believes what no other does, and nobody corrects it.
fn disagree(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    servers.hush();
    let (master, replica) = (servers.master(shard), servers.replica(shard));
    let other = dice.other(shard, SHARDS);
    match dice.below(5) {
        0 => {
            let wrong = servers.id(servers.master(SHARDS - shard - other)).clone();
            servers.order(servers.master(other), &format!("CLUSTER SETSLOT {} NODE {wrong}", dice.slot(shard)));
        }
        1 => servers.order(dice.other(master, SERVERS), &format!("CLUSTER DELSLOTSRANGE {}", dice.slots(shard))),
        2 => {
            let viewer = dice.pick(&[servers.master(other), servers.replica(other)]);
            let forgotten = servers.id(dice.pick(&[master, replica])).clone();
            servers.order(viewer, &format!("CLUSTER FORGET {forgotten}"));
        }
        3 => {
            servers.order(master, "CLUSTER BUMPEPOCH");
            servers.order(servers.master(other), "CLUSTER BUMPEPOCH");
        }
        _ => servers.order(replica, &format!("CLUSTER REPLICATE {}", servers.id(servers.master(other)))),
    }
}

fn own_twice(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    let from = servers.master(shard);
    let other = dice.other(shard, SHARDS);
    let to = servers.master(other);
    let (key, slot) = key_in(servers, dice, shard);
    if dice.one_in(3) {
        // The keys stay where they were when the slot has got another owner.
        servers.order(from, &format!("SET {key} 1"));
        move_slots(servers, &format!("{slot} {slot}"), other);
        return;
    }
    servers.hush();
    servers.order(to, &format!("CLUSTER SETSLOT {slot} NODE {}", servers.id(to)));
    if dice.one_in(3) {
        let third = servers.master(SHARDS - shard - other);
        servers.order(third, &format!("CLUSTER SETSLOT {slot} NODE {}", servers.id(third)));
    }
}

fn make_unreachable(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    let (master, replica) = (servers.master(shard), servers.replica(shard));
    match dice.below(10) {
        0..=4 => servers.kill(replica),
        5 => servers.kill(master),
        6 => {
            let may_fail_over = !servers.hushed && servers.report(Scope::All).findings.is_empty();
            servers.kill(master);
            if may_fail_over {
                soon("the failover", || servers.tell(replica, "ROLE").is_ok_and(|role| role.starts_with("master")));
            }
        }
        7 => {
            servers.kill(master);
            servers.kill(replica);
        }
        8 => {
            // Nobody is there.
            servers.order(master, &format!("CLUSTER MEET 127.0.60.{} 6379", 100 + shard));
        }
        // It runs, and answers nobody who asks about the cluster.
        _ => servers.order(dice.pick(&[master, replica]), "ACL SETUSER default -cluster"),
    }
}

fn take_slots(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    let range = ranges()[shard];
    let all = format!("{} {}", range.first, range.last);
    match dice.below(4) {
        0 => move_slots(servers, &all, dice.other(shard, SHARDS)),
        1 => {
            let middle = dice.slot(shard).min(range.last - 1);
            let other = dice.other(shard, SHARDS);
            move_slots(servers, &format!("{} {middle}", range.first), other);
            move_slots(servers, &format!("{} {}", middle + 1, range.last), SHARDS - shard - other);
        }
        2 => leave_masters(servers, &[servers.replica(shard)]),
        _ => leave_masters(servers, &[0, 1, 2].map(|shard| servers.replica(shard))),
    }
}

/// Replicas become masters of nothing.
fn leave_masters(servers: &mut Plain, replicas: &[usize]) {
    let running: Vec<usize> = replicas.iter().copied().filter(|node| servers.runs(*node)).collect();
    running.into_iter().for_each(|node| servers.order(node, "CLUSTER RESET SOFT"));
    servers.greet();
}

fn re_point(servers: &mut Plain, dice: &mut Dice, shard: usize) {
    let other = dice.other(shard, SHARDS);
    let to = |servers: &Plain, shard: usize| format!("CLUSTER REPLICATE {}", servers.id(servers.master(shard)));
    match dice.below(3) {
        0 => servers.order(servers.replica(shard), &to(servers, other)),
        1 => {
            servers.order(servers.replica(shard), &to(servers, other));
            servers.order(servers.replica(other), &to(servers, shard));
        }
        _ => {
            servers.order(servers.replica(shard), &to(servers, other));
            servers.order(servers.replica(SHARDS - shard - other), &to(servers, other));
        }
    }
    // Half of them are looked at before all have heard of it.
    if dice.one_in(2) {
        servers.greet();
    }
}

/// All nodes believe that slots have another owner; keys stay where they are.
fn move_slots(servers: &mut Plain, slots: &str, to: usize) {
    let speak = !servers.hushed;
    // Nobody is told meanwhile what was true before.
    servers.hush();
    servers.order_all(&format!("CLUSTER DELSLOTSRANGE {slots}"));
    servers.order(servers.master(to), &format!("CLUSTER ADDSLOTSRANGE {slots}"));
    servers.order(servers.master(to), "CLUSTER BUMPEPOCH");
    if speak {
        servers.speak();
    }
    servers.greet();
}

/// A key whose slot is of the shard.
fn key_in(servers: &Plain, dice: &mut Dice, shard: usize) -> (String, u16) {
    loop {
        let key = format!("key:{}", dice.below(1 << 20));
        let slot = servers.tell(servers.master(shard), &format!("CLUSTER KEYSLOT {key}"));
        let slot: u16 = slot.expect("a slot").parse().expect("a slot");
        if (ranges()[shard].first..=ranges()[shard].last).contains(&slot) {
            return (key, slot);
        }
    }
}
