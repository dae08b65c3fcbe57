//! A client's connection on the reference implementation's Noise and codec: a handshake that checks the certificate
//! against the authority key, then messages out, and messages in from a thread of their own.
use crate::{frame, Outcome};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{channel, Receiver};
use std::time::Duration;
use stratum_core::bitcoin::base58;
use stratum_core::codec_sv2::{
    Decrypted, Handshake, NoiseDecoder, NoiseEncoder, TransportDecryptState, TransportEncryptState,
};
use stratum_core::framing_sv2::framing::SerializedFrame;
use stratum_core::noise_sv2::{Initiator, INITIATOR_EXPECTED_HANDSHAKE_MESSAGE_SIZE};
use stratum_core::parsers_sv2::{AnyMessageOwned, Tlv};

/// What the reading thread saw: a message, or why there are no more.
pub type Incoming = Outcome<AnyMessageOwned>;

pub struct Connection {
    stream: TcpStream,
    encoder: NoiseEncoder,
    encrypt: TransportEncryptState,
    pub incoming: Receiver<Incoming>,
}

/// The key inside of a base58check authority key: two bytes of version (1, little-endian), then the x coordinate.
fn authority_key(text: &str) -> Outcome<[u8; 32]> {
    let bytes = base58::decode_check(text).map_err(|e| format!("authority key: {e}"))?;
    match bytes.strip_prefix(&[1, 0]) {
        Some(key) => key.try_into().map_err(|_| "authority key: not 32 bytes".into()),
        None => Err("authority key: version is not 1".into()),
    }
}

impl Connection {
    pub fn open(address: &str, authority: &str, timeout: Duration) -> Outcome<Self> {
        let mut stream = TcpStream::connect(address).map_err(|e| format!("connect: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(timeout)).map_err(|e| e.to_string())?;

        let initiator = Initiator::from_raw_k(authority_key(authority)?).map_err(|e| format!("{e:?}"))?;
        let (first, handshake) = Handshake::initiator(initiator).step_0().map_err(|e| format!("handshake: {e:?}"))?;
        stream.write_all(first.payload()).map_err(|e| e.to_string())?;
        let mut second = [0; INITIATOR_EXPECTED_HANDSHAKE_MESSAGE_SIZE];
        stream.read_exact(&mut second).map_err(|e| format!("handshake: {e}"))?;
        let transport = handshake.step_2(second).map_err(|e| format!("handshake: {e:?}"))?;

        let (encrypt, decrypt) = transport.split();
        let reading = stream.try_clone().map_err(|e| e.to_string())?;
        let (sender, incoming) = channel();
        std::thread::spawn(move || {
            let reason = read(reading, decrypt, |message| sender.send(Ok(message)).is_ok());
            let _ = sender.send(Err(reason));
        });
        Ok(Self { stream, encoder: NoiseEncoder::new(), encrypt, incoming })
    }

    pub fn send(&mut self, message: AnyMessageOwned) -> Outcome<()> {
        self.send_with(message, &[])
    }

    /// Sends a message with TLV fields behind its own.
    pub fn send_with(&mut self, message: AnyMessageOwned, tlvs: &[Tlv]) -> Outcome<()> {
        let frame = SerializedFrame::from_bytes(frame::encode(message, tlvs)?).map_err(|e| format!("frame: {e:?}"))?;
        let sealed = self.encoder.encode_transport(frame, &mut self.encrypt).map_err(|e| format!("seal: {e:?}"))?;
        self.stream.write_all(sealed.as_ref()).map_err(|e| format!("write: {e}"))
    }
}

/// Hands on messages until the stream ends or the receiver has gone; returns why.
fn read(
    mut stream: TcpStream,
    mut decrypt: TransportDecryptState,
    mut on_message: impl FnMut(AnyMessageOwned) -> bool,
) -> String {
    let mut decoder = NoiseDecoder::new();
    loop {
        let wanted = decoder.writable();
        if !wanted.is_empty() {
            if let Err(e) = stream.read_exact(wanted) {
                return format!("read: {e}");
            }
        }
        match decoder.next_transport_frame(decrypt) {
            Err(e) => return format!("open: {e:?}"),
            Ok(Decrypted::Incomplete(_, state)) => decrypt = state,
            Ok(Decrypted::Frame(mut received, state)) => {
                decrypt = state;
                let header = received.header();
                let message: Result<stratum_core::parsers_sv2::AnyMessage, _> = (header, received.payload()).try_into();
                match message {
                    Err(e) => return format!("decode 0x{:02x}: {e}", header.msg_type()),
                    Ok(message) => {
                        if !on_message(message.into_owned()) {
                            return "done".into();
                        }
                    }
                }
            }
        }
    }
}
