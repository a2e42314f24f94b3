//! A Service on loopback: one address in front of several pods, of which some may not
//! answer.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

const BUS_PORT: u16 = 16379;
/// The ports of a node: clients, the bus, the start-up port.
const PORTS: [u16; 3] = [6379, BUS_PORT, 26379];

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
}

impl Service {
    pub fn start(address: &str, endpoints: Vec<Endpoint>) -> Self {
        let endpoints = Arc::new(Mutex::new(endpoints));
        for port in PORTS {
            let listener = TcpListener::bind((address, port)).expect("a free address");
            let endpoints = Arc::clone(&endpoints);
            thread::spawn(move || serve(&listener, port, &endpoints));
        }
        Self { endpoints }
    }

    /// From now on only these are behind it.
    pub fn lead_to(&self, endpoints: Vec<Endpoint>) {
        *self.endpoints.lock().expect("no panic") = endpoints;
    }
}

fn serve(listener: &TcpListener, port: u16, endpoints: &Mutex<Vec<Endpoint>>) {
    let turn = AtomicUsize::new(0);
    let mut unanswered = Vec::new();
    for client in listener.incoming().flatten() {
        let endpoints = endpoints.lock().expect("no panic");
        match &endpoints[turn.fetch_add(1, Ordering::Relaxed) % endpoints.len()] {
            Endpoint::Silent => unanswered.push(client),
            Endpoint::Stranger(_) if port == BUS_PORT => {}
            Endpoint::Pod(address) | Endpoint::Stranger(address) => {
                if let Ok(server) = TcpStream::connect((address.as_str(), port)) {
                    join(&client, &server).expect("two streams");
                }
            }
        }
    }
}

/// Bytes both ways until one side ends.
fn join(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    for (from, to) in [(client, server), (server, client)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || {
            // Whichever way it ends, the other side hears of it.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
