//! A Service on loopback: one address in front of several pods, of which some may not
//! answer.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

const CLIENT_PORT: u16 = 6379;
const BUS_PORT: u16 = 16379;
/// The ports of a node: clients, the bus, the start-up port.
const PORTS: [u16; 3] = [CLIENT_PORT, BUS_PORT, 26379];

#[derive(Clone, Debug)]
pub enum Endpoint {
    /// A pod at this address.
    Pod(String),
    /// A pod of another node, whose bus listens on another port.
    Stranger(String),
    /// A pod on a worker that is cut off: nothing ever comes back.
    Silent,
}

/// Hands each new connection to the next of its endpoints.
pub struct Service {
    endpoints: Arc<Mutex<Vec<Endpoint>>>,
    /// For each connection to the client port, whether it hangs.
    hangs: Arc<Mutex<Vec<Arc<AtomicBool>>>>,
}

impl Service {
    pub fn start(address: &str, endpoints: Vec<Endpoint>) -> Self {
        let endpoints = Arc::new(Mutex::new(endpoints));
        let hangs = Arc::new(Mutex::new(Vec::new()));
        for port in PORTS {
            let listener = TcpListener::bind((address, port)).expect("a free address");
            let (endpoints, hangs) = (Arc::clone(&endpoints), Arc::clone(&hangs));
            thread::spawn(move || serve(&listener, port, &endpoints, &hangs));
        }
        Self { endpoints, hangs }
    }

    /// What is connected to the client port hangs from now on, as after a cut in the
    /// network; new connections do not.
    pub fn hang(&self) {
        self.hangs.lock().expect("no panic").iter().for_each(|hangs| hangs.store(true, Ordering::Relaxed));
    }

    /// From now on only these are behind it.
    pub fn lead_to(&self, endpoints: Vec<Endpoint>) {
        *self.endpoints.lock().expect("no panic") = endpoints;
    }
}

fn serve(listener: &TcpListener, port: u16, endpoints: &Mutex<Vec<Endpoint>>, hangs: &Mutex<Vec<Arc<AtomicBool>>>) {
    let turn = AtomicUsize::new(0);
    let mut unanswered = Vec::new();
    for client in listener.incoming().flatten() {
        let endpoints = endpoints.lock().expect("no panic");
        match &endpoints[turn.fetch_add(1, Ordering::Relaxed) % endpoints.len()] {
            Endpoint::Silent => unanswered.push(client),
            Endpoint::Stranger(_) if port == BUS_PORT => {}
            Endpoint::Pod(address) | Endpoint::Stranger(address) => {
                if let Ok(server) = TcpStream::connect((address.as_str(), port)) {
                    let hung = Arc::new(AtomicBool::new(false));
                    if port == CLIENT_PORT {
                        hangs.lock().expect("no panic").push(Arc::clone(&hung));
                    }
                    join(&client, &server, &hung).expect("two streams");
                }
            }
        }
    }
}

/// Bytes both ways until one side ends; while it hangs, none.
fn join(client: &TcpStream, server: &TcpStream, hangs: &Arc<AtomicBool>) -> io::Result<()> {
    for (from, to) in [(client, server), (server, client)] {
        let (from, to, hangs) = (from.try_clone()?, to.try_clone()?, Arc::clone(hangs));
        thread::spawn(move || {
            // Whichever way it ends, the other side hears of it.
            let _ = copy(&from, &to, &hangs);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, hangs: &AtomicBool) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        if !hangs.load(Ordering::Relaxed) {
            to.write_all(&buffer[..read])?;
        }
    }
}
