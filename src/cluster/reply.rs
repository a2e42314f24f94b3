//! Parsers for CLUSTER NODES, CLUSTER INFO, INFO and CONFIG GET.
//!
//! Formats: <https://redis.io/docs/latest/commands/cluster-nodes/> and its
//! neighbours; what differs by version is in the tests below.

use super::node::{Endpoint, Flags, LinkState, NodeId, Role};
use super::slots::{SlotRange, SlotSet};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {what}: \"{text}\"")]
pub struct BadReply {
    /// The part that is missing.
    what: &'static str,
    text: String,
}

impl BadReply {
    fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.trim_end().to_owned() }
    }
}

/// One line of CLUSTER NODES: the responding node's view of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLine {
    pub id: NodeId,
    pub endpoint: Endpoint,
    /// `cluster-announce-hostname` (Redis 7.0 and newer).
    pub hostname: Option<String>,
    /// None before Redis 4, where it is the client port plus 10000.
    pub bus_port: Option<u16>,
    /// Without the role.
    pub flags: Flags,
    /// A node in handshake has no role yet and counts as a master.
    pub role: Role,
    pub master: Option<NodeId>,
    pub epoch: u64,
    pub link: LinkState,
    pub slots: SlotSet,
    /// Migrating and importing slots, verbatim: `[93-<-ID]`, `[77->-ID]`.
    pub open: Vec<String>,
}

impl std::str::FromStr for NodeLine {
    type Err = BadReply;

    fn from_str(line: &str) -> Result<Self, BadReply> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [id, address, flags, master, _ping, _pong, epoch, link, slots @ ..] = &fields[..] else {
            return Err(BadReply::new("eight fields of CLUSTER NODES", line));
        };
        let bad = |what| move || BadReply::new(what, line);
        let flags: Flags = flags.split(',').collect();
        let (open, owned): (Vec<&str>, Vec<&str>) = slots.iter().partition(|text| text.starts_with('['));
        Ok(Self {
            id: id.parse().map_err(|_| bad("a node ID")())?,
            endpoint: endpoint(address).ok_or_else(bad("an address"))?,
            hostname: address.split(',').nth(1).filter(|name| is_hostname(name)).map(str::to_owned),
            bus_port: bus_port(address),
            role: if flags.iter().any(|flag| flag == "slave") { Role::Replica } else { Role::Master },
            flags,
            master: if *master == "-" { None } else { Some(master.parse().map_err(|_| bad("a master's ID")())?) },
            epoch: epoch.parse().map_err(|_| bad("an epoch")())?,
            link: if *link == "connected" { LinkState::Connected } else { LinkState::Disconnected },
            slots: owned
                .iter()
                .map(|text| text.parse::<SlotRange>())
                .collect::<Result<_, _>>()
                .map_err(|_| bad("slots")())?,
            open: open.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// `IP:PORT`, `IP:PORT@BUS` (4.0), `IP:PORT@BUS,HOSTNAME` (7.0) or
/// `IP:PORT@BUS,HOSTNAME,AUX=VALUE` (7.2). The IP may hold colons or be empty.
fn endpoint(text: &str) -> Option<Endpoint> {
    let address = text.split(',').next()?.split('@').next()?;
    let (host, port) = address.rsplit_once(':')?;
    Some(Endpoint { host: host.to_owned(), port: port.parse().ok()? })
}

/// And not `AUX=VALUE`, or empty.
fn is_hostname(text: &str) -> bool {
    !text.is_empty() && !text.contains('=')
}

fn bus_port(text: &str) -> Option<u16> {
    text.split(',').next()?.split_once('@')?.1.parse().ok()
}

/// Lines of CLUSTER NODES that were already parsed: the nodes of a cluster send mostly the same
/// lines, which are stored once.
#[derive(Default)]
pub struct KnownLines(HashMap<String, Arc<NodeLine>>);

impl KnownLines {
    /// # Errors
    /// If a line cannot be parsed: no line is ever skipped.
    pub fn nodes(&mut self, text: &str) -> Result<Vec<Arc<NodeLine>>, BadReply> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| self.node(line)).collect()
    }

    fn node(&mut self, line: &str) -> Result<Arc<NodeLine>, BadReply> {
        if let Some(known) = self.0.get(line) {
            return Ok(Arc::clone(known));
        }
        let new: Arc<NodeLine> = Arc::new(line.parse()?);
        self.0.insert(line.to_owned(), Arc::clone(&new));
        Ok(new)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterInfo {
    /// `cluster_state` is `ok`.
    pub ok: bool,
    pub slots_assigned: u16,
    /// The owner is neither in PFAIL nor in FAIL state.
    pub slots_ok: u16,
    pub slots_pfail: u16,
    pub slots_fail: u16,
    pub current_epoch: u64,
}

impl std::str::FromStr for ClusterInfo {
    type Err = BadReply;

    fn from_str(text: &str) -> Result<Self, BadReply> {
        let fields = Fields::of(text);
        let slots = |name| fields.number(name).and_then(|count| u16::try_from(count).ok());
        let missing = |what| move || BadReply::new(what, text);
        Ok(Self {
            ok: fields.text("cluster_state").ok_or_else(missing("cluster_state"))? == "ok",
            slots_assigned: slots("cluster_slots_assigned").ok_or_else(missing("cluster_slots_assigned"))?,
            slots_ok: slots("cluster_slots_ok").ok_or_else(missing("cluster_slots_ok"))?,
            slots_pfail: slots("cluster_slots_pfail").ok_or_else(missing("cluster_slots_pfail"))?,
            slots_fail: slots("cluster_slots_fail").ok_or_else(missing("cluster_slots_fail"))?,
            current_epoch: fields.number("cluster_current_epoch").ok_or_else(missing("cluster_current_epoch"))?,
        })
    }
}

/// Fields of INFO. Old versions lack some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// `valkey_version` if there is one, else `redis_version`.
    pub version: Option<String>,
    pub is_valkey: bool,
    /// The version of the start-up scripts that started it: our scripts name the folder of its
    /// configuration file by it.
    pub scripts: Option<String>,
    pub uptime_seconds: Option<u64>,
    pub used_memory: Option<u64>,
    /// Bytes; 0 is no limit.
    pub max_memory: Option<u64>,
    /// Bytes of `used_memory` that do not count toward maxmemory: buffers of replicas and the AOF.
    pub not_counted_memory: u64,
    /// In all databases.
    pub keys: u64,
    /// Keys that expire, in all databases.
    pub expiring_keys: u64,
    /// Replicas that count for `min-replicas-to-write`; none where that is off.
    pub good_replicas: Option<u64>,
    /// For how many more milliseconds CLIENT PAUSE holds writes back (Valkey 8.1 and newer say so).
    pub pause: Option<u64>,
    /// Connections that count toward maxclients: clients, and since Redis 6.2 the bus.
    pub connections: Option<u64>,
    /// None for a master.
    pub link_up: Option<bool>,
    pub sync_in_progress: bool,
    pub loading: bool,
    /// The replication offset: written by a master, read by a replica.
    pub offset: Option<u64>,
    /// The address at which a replica connects to its master.
    pub master: Option<Endpoint>,
    /// None while the link is up.
    pub link_down_seconds: Option<u64>,
    /// The size of the replication backlog in bytes.
    pub backlog: Option<u64>,
    /// Full syncs that a master has served since its start.
    pub full_syncs: u64,
    pub append_only: Option<bool>,
    /// The names of INFO's fields that report a failed write.
    pub failed_writes: Vec<String>,
}

impl ServerInfo {
    /// Unknown fields are ignored.
    pub fn parse(text: &str) -> Self {
        let fields = Fields::of(text);
        let replica = fields.text("role") == Some("slave");
        let offset = if replica { "slave_repl_offset" } else { "master_repl_offset" };
        Self {
            is_valkey: fields.text("valkey_version").is_some(),
            version: fields.text("valkey_version").or(fields.text("redis_version")).map(str::to_owned),
            scripts: fields.text("config_file").and_then(scripts_version).map(str::to_owned),
            uptime_seconds: fields.number("uptime_in_seconds"),
            used_memory: fields.number("used_memory"),
            max_memory: fields.number("maxmemory"),
            not_counted_memory: fields.number("mem_not_counted_for_evict").unwrap_or_default(),
            keys: fields.keys("keys"),
            expiring_keys: fields.keys("expires"),
            good_replicas: fields.number("min_slaves_good_slaves"),
            pause: fields.number("paused_timeout_milliseconds").filter(|_| fields.is_paused()),
            connections: fields.connections(),
            link_up: replica.then(|| fields.text("master_link_status") == Some("up")),
            sync_in_progress: fields.text("master_sync_in_progress") == Some("1"),
            loading: fields.text("loading") == Some("1"),
            offset: fields.number(offset),
            master: fields.master(),
            link_down_seconds: fields.number("master_link_down_since_seconds"),
            backlog: fields.number("repl_backlog_size"),
            full_syncs: fields.number("sync_full").unwrap_or_default(),
            append_only: fields.text("aof_enabled").map(|enabled| enabled == "1"),
            failed_writes: fields.failed_writes(),
        }
    }
}

/// Of `/tmp/scripts-0.1.0-1a2b3c4d/redis.conf`.
fn scripts_version(config_file: &str) -> Option<&str> {
    config_file.split('/').find_map(|folder| folder.strip_prefix("scripts-"))
}

impl ServerInfo {
    /// Whether a replica's link is up and its sync complete; none for a master.
    pub fn is_synced(&self) -> Option<bool> {
        self.link_up.map(|up| up && !self.sync_in_progress)
    }
}

/// CONFIG GET: names and values.
pub type Settings = BTreeMap<String, String>;

/// The reply has a name on one line and its value on the next.
pub fn settings(text: &str) -> Settings {
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    let mut settings = Settings::new();
    while let Some(name) = lines.next() {
        let value = lines.next().unwrap_or_default();
        if !name.is_empty() {
            settings.insert(name.to_owned(), value.to_owned());
        }
    }
    settings
}

/// `name:value` lines that end with LF or CRLF.
struct Fields<'a>(HashMap<&'a str, &'a str>);

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.lines().filter_map(|line| line.trim_end().split_once(':')).collect())
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    fn master(&self) -> Option<Endpoint> {
        let port = self.number("master_port").and_then(|port| u16::try_from(port).ok())?;
        Some(Endpoint { host: self.text("master_host")?.to_owned(), port })
    }

    fn failed_writes(&self) -> Vec<String> {
        const STATES: [&str; 3] = ["rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"];
        let failed = STATES.into_iter().filter(|name| self.text(name).is_some_and(|state| state != "ok"));
        failed.map(str::to_owned).collect()
    }

    /// Not for a failover, which pauses clients for a moment.
    fn is_paused(&self) -> bool {
        self.text("paused_reason") == Some("client_pause")
    }

    fn connections(&self) -> Option<u64> {
        let bus = self.number("cluster_connections").unwrap_or_default();
        self.number("connected_clients").map(|clients| clients + bus)
    }

    /// The sum over lines such as `db0:keys=3,expires=0,avg_ttl=0`.
    fn keys(&self, which: &str) -> u64 {
        let databases = self.0.iter().filter(|(name, _)| name.starts_with("db"));
        let counts = databases.flat_map(|(_, value)| value.split(','));
        counts.filter_map(|count| count.strip_prefix(which)?.strip_prefix('=')?.parse::<u64>().ok()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn line(text: &str) -> NodeLine {
        text.parse().expect(text)
    }

    #[test]
    fn a_master_of_redis_3() {
        let line = line(&format!("{A} 10.0.1.46:6379 master - 0 1457201607622 4 connected 0-5460"));
        assert_eq!(line.role, Role::Master);
        assert_eq!(line.endpoint.to_string(), "10.0.1.46:6379");
        assert_eq!((line.epoch, line.slots.len()), (4, 5461));
    }

    #[test]
    fn a_replica_with_bus_port_hostname_and_shard_id() {
        let text = format!("{A} 198.19.0.5:6379@16379,host,shard-id={B} myself,slave {B} 0 0 1 connected");
        let line = line(&text);
        assert_eq!(line.role, Role::Replica);
        assert!(line.flags.is_myself());
        assert_eq!(line.bus_port, Some(16379));
        assert_eq!(line.master.as_ref().map(NodeId::as_str), Some(B));
        assert_eq!(line.endpoint.host, "198.19.0.5");
        assert_eq!(line.hostname.as_deref(), Some("host"));
        let without = self::line(&format!("{A} 198.19.0.5:6379@16379,,shard-id={B} master - 0 0 1 connected"));
        assert_eq!(without.hostname, None);
    }

    #[test]
    fn ipv6_and_missing_addresses() {
        let forms = [
            ("6379", None, None),
            ("6379@16379", Some(16379), None),
            ("6379@16379,", Some(16379), None),
            ("6379@16379,host", Some(16379), Some("host")),
            ("6379@16379,,tls-port=0,shard-id=b", Some(16379), None),
        ];
        for (behind, bus_port, hostname) in forms {
            for host in ["fd00::2", "2001:db8:0:1:2:3:4:6379", "::1", "::ffff:198.51.100.7"] {
                let line = line(&format!("{A} {host}:{behind} master - 0 0 1 connected"));
                assert_eq!(line.endpoint, Endpoint { host: host.into(), port: 6379 });
                assert_eq!((line.bus_port, line.hostname.as_deref()), (bus_port, hostname), "{host}:{behind}");
            }
        }
        let lost = line(&format!("{A} :0@0 master,noaddr - 1 1 1 disconnected"));
        assert!(lost.flags.has_no_address());
        assert_eq!((lost.endpoint.port, lost.link), (0, LinkState::Disconnected));
    }

    #[test]
    fn a_replica_knows_its_master_by_an_ipv6_address() {
        let info = ServerInfo::parse("role:slave\r\nmaster_host:2001:db8::1\r\nmaster_port:6379\r\n");
        assert_eq!(info.master, Some(Endpoint { host: "2001:db8::1".into(), port: 6379 }));
    }

    #[test]
    fn open_slots_are_kept_apart() {
        let line = line(&format!("{A} 10.0.0.1:1 myself,master - 0 0 1 connected 0-92 94 [93-<-{B}] [77->-{B}]"));
        assert_eq!(line.slots.to_string(), "0-92,94");
        assert_eq!(line.open.len(), 2);
    }

    #[test]
    fn suspicion_failure_and_handshake() {
        assert!(line(&format!("{A} 10.0.0.1:1 master,fail? - 0 0 1 connected")).flags.is_suspected());
        assert!(line(&format!("{A} 10.0.0.1:1 slave,fail {B} 0 0 1 connected")).flags.is_failed());
        assert!(line(&format!("{A} 10.0.0.1:1 handshake - 0 0 0 connected")).flags.is_handshake());
    }

    #[test]
    fn equal_lines_are_stored_once() {
        let said = format!("{A} 10.0.0.1:1 master - 0 0 1 connected");
        let mut known = KnownLines::default();
        let views = [(); 2].map(|()| known.nodes(&said).expect("a line"));
        assert!(Arc::ptr_eq(&views[0][0], &views[1][0]));
    }

    #[test]
    fn a_bad_line_is_never_skipped() {
        let nodes = |text: &str| KnownLines::default().nodes(text).map(|lines| lines.len());
        let error = nodes(&format!("{A} 10.0.0.1:1 master - 0 0 1 connected\nhello\n")).expect_err("bad");
        assert_eq!(error.to_string(), "cannot read eight fields of CLUSTER NODES: \"hello\"");
        assert!(nodes(&format!("{A} 10.0.0.1:1 master - 0 0 1 connected 1-x")).is_err());
        assert!(nodes(&format!("{A} nowhere master - 0 0 1 connected")).is_err());
        assert_eq!(nodes("\n"), Ok(0));
    }

    #[test]
    fn cluster_info_with_its_own_line_ends() {
        let text = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16383\r\n\
                    cluster_slots_pfail:1\r\ncluster_slots_fail:0\r\ncluster_current_epoch:4\r\n";
        let info: ClusterInfo = text.parse().expect("complete");
        assert!(info.ok);
        assert_eq!((info.slots_ok, info.slots_pfail, info.current_epoch), (16383, 1, 4));
        assert!("cluster_state:ok".parse::<ClusterInfo>().is_err());
    }

    #[test]
    fn info_of_a_valkey_replica() {
        let info = ServerInfo::parse(
            "# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.1\r\nrole:slave\r\nmaster_link_status:down\r\n\
             master_sync_in_progress:1\r\nslave_repl_offset:42\r\nmaster_repl_offset:7\r\nmaxmemory:0\r\n\
             db0:keys=3,expires=1,avg_ttl=0\r\ndb1:keys=2,expires=0\r\nconnected_clients:4\r\n\
             cluster_connections:10\r\n",
        );
        assert_eq!(info.version.as_deref(), Some("8.1.1"));
        assert_eq!((info.link_up, info.sync_in_progress, info.offset), (Some(false), true, Some(42)));
        assert_eq!((info.keys, info.expiring_keys, info.max_memory), (5, 1, Some(0)));
        assert_eq!((info.connections, info.good_replicas), (Some(14), None));
    }

    #[test]
    fn settings_come_in_pairs_of_lines_and_may_be_empty() {
        let settings = settings("save\n\nappendonly\nno\nsave2\n");
        assert_eq!(settings.get("save").map(String::as_str), Some(""));
        assert_eq!(settings.get("appendonly").map(String::as_str), Some("no"));
        assert_eq!(settings.len(), 3);
    }

    #[test]
    fn what_could_not_be_written() {
        let info = ServerInfo::parse("rdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\naof_enabled:1\r\n");
        assert_eq!(info.failed_writes, ["aof_last_write_status"]);
        assert_eq!(info.append_only, Some(true));
    }

    #[test]
    fn a_pause_is_one_that_somebody_asked_for() {
        let pause = |reason: &str| {
            ServerInfo::parse(&format!(
                "paused_reason:{reason}\npaused_actions:write\npaused_timeout_milliseconds:90\n"
            ))
            .pause
        };
        assert_eq!((pause("client_pause"), pause("failover_in_progress"), pause("none")), (Some(90), None, None));
    }

    #[test]
    fn a_master_has_no_link() {
        assert_eq!(ServerInfo::parse("role:master\nmaster_repl_offset:9\n").link_up, None);
    }
}
