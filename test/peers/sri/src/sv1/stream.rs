//! Lines over TCP, or over TLS with one certificate that is trusted.
use crate::Outcome;
use rustls::pki_types::{pem::PemObject, CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long nothing may come before the caller hashes on.
const READ_TIMEOUT: Duration = Duration::from_millis(5);

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

pub struct Lines {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
}

impl Lines {
    /// `trust`: a file with the certificate in PEM that the server must show; without it there is no TLS.
    pub fn connect(address: &str, trust: Option<&str>) -> Outcome<Self> {
        let address: SocketAddr = address.parse().map_err(|error| format!("{address}: {error}"))?;
        let mut tcp = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        let session = match trust {
            None => None,
            Some(file) => Some(handshake(file, address, &mut tcp)?),
        };
        // From here on: a handshake waits for what it needs.
        let set = tcp.set_nodelay(true).and_then(|()| tcp.set_read_timeout(Some(READ_TIMEOUT)));
        set.map_err(|error| error.to_string())?;
        let stream: Box<dyn Stream> = match session {
            None => Box::new(tcp),
            Some(session) => Box::new(StreamOwned::new(session, tcp)),
        };
        Ok(Self { stream, received: Vec::new() })
    }

    pub fn send(&mut self, line: &str) -> Outcome<()> {
        let sent = self.stream.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.stream.flush());
        sent.map_err(|error| format!("sending: {error}"))
    }

    /// The lines that are there, after a moment of waiting at most.
    pub fn receive(&mut self) -> Outcome<Vec<String>> {
        let mut bytes = [0; 16_384];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Err("the server closed the connection".into()),
            Ok(count) => self.received.extend_from_slice(&bytes[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(format!("receiving: {error}")),
        }
        let mut lines = Vec::new();
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            lines.push(String::from_utf8(line).map_err(|error| error.to_string())?);
        }
        Ok(lines)
    }
}

fn handshake(file: &str, address: SocketAddr, tcp: &mut TcpStream) -> Outcome<ClientConnection> {
    let certificate = CertificateDer::from_pem_file(file).map_err(|error| format!("{file}: {error}"))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(|error| format!("{file}: {error}"))?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let mut session = ClientConnection::new(Arc::new(config), ServerName::IpAddress(address.ip().into()))
        .map_err(|error| error.to_string())?;
    session.complete_io(tcp).map_err(|error| format!("handshake: {error}"))?;
    Ok(session)
}
