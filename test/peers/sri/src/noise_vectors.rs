//! `noise-vectors`: a handshake between the reference implementation's two sides with fixed secrets and a fixed time,
//! and frames sealed after it, as JSON.
use crate::frame::hex;
use crate::Outcome;
use rand::{CryptoRng, RngCore};
use serde_json::json;
use std::time::Duration;
use stratum_core::bitcoin::hashes::{sha256, Hash};
use stratum_core::bitcoin::secp256k1::ellswift::ElligatorSwift;
use stratum_core::bitcoin::secp256k1::{Keypair, Parity, Secp256k1};
use stratum_core::codec_sv2::{Handshake, NoiseEncoder, TransportEncryptState};
use stratum_core::framing_sv2::framing::SerializedFrame;
use stratum_core::noise_sv2::{Initiator, Responder};

const NOW: u32 = 1_700_000_000;
const VALIDITY: u32 = 3_600;

/// Gives out 32 bytes of each value in turn: the secrets of the vectors.
struct Fixed(std::vec::IntoIter<u8>);

impl Fixed {
    fn new(values: &[u8]) -> Self {
        Self(values.to_vec().into_iter())
    }
}

impl RngCore for Fixed {
    fn next_u32(&mut self) -> u32 {
        unreachable!("only byte strings are drawn")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("only byte strings are drawn")
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        assert_eq!(out.len(), 32, "only 32 bytes at a time are drawn");
        out.fill(self.0.next().expect("as many draws as values"));
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Fixed {}

/// A frame of message type 0xfe with `length` bytes of payload, each its index.
fn plain(length: usize) -> Vec<u8> {
    let mut frame = vec![0, 0, 0xfe];
    frame.extend(&(length as u32).to_le_bytes()[..3]);
    frame.extend((0..length).map(|i| i as u8));
    frame
}

fn sealed(state: &mut TransportEncryptState, lengths: &[usize]) -> Outcome<Vec<serde_json::Value>> {
    let mut encoder = NoiseEncoder::new();
    lengths
        .iter()
        .map(|&length| {
            let frame = SerializedFrame::from_bytes(plain(length)).map_err(|e| format!("{e:?}"))?;
            let bytes = encoder.encode_transport(frame, state).map_err(|e| format!("{e:?}"))?;
            let bytes: &[u8] = bytes.as_ref();
            let digest = hex(sha256::Hash::hash(bytes).as_byte_array());
            let whole = (bytes.len() <= 64).then(|| hex(bytes));
            Ok(json!({ "payloadLength": length, "sealedLength": bytes.len(), "sealed": whole, "sealedSha256": digest }))
        })
        .collect()
}

/// The key of a repeated byte as both sides encode it: the point with an even y coordinate, no auxiliary randomness.
fn encoded(byte: u8) -> Outcome<String> {
    let pair = Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).map_err(|e| e.to_string())?;
    let even = pair.x_only_public_key().0.public_key(Parity::Even);
    Ok(hex(&ElligatorSwift::from_pubkey(even).to_array()))
}

pub fn run() -> Outcome<()> {
    let authority_secret = [0x55u8; 32];
    // The x coordinate of 0x5555…55 · G, which the responder checks against the secret.
    let secp = Secp256k1::new();
    let pair = Keypair::from_seckey_slice(&secp, &authority_secret).map_err(|e| e.to_string())?;
    let authority = pair.x_only_public_key().0.serialize();

    let initiator =
        Initiator::from_raw_k_with_rng(authority, &mut Fixed::new(&[0x11])).map_err(|e| format!("{e:?}"))?;
    let responder = Responder::from_authority_kp_with_rng(
        &authority,
        &authority_secret,
        Duration::from_secs(VALIDITY.into()),
        &mut Fixed::new(&[0x22, 0x33]),
    )
    .map_err(|e| format!("{e:?}"))?;

    let (act1, sent) = Handshake::initiator(initiator).step_0().map_err(|e| format!("{e:?}"))?;
    let first = act1.payload().try_into().map_err(|_| "act 1 is not 64 bytes")?;
    let (act2, transport) = Handshake::responder(responder)
        .step_1_with_now_rng(first, NOW, &mut Fixed::new(&[0x44]))
        .map_err(|e| format!("{e:?}"))?;
    let (mut from_responder, _) = transport.split();
    let second = act2.payload().try_into().map_err(|_| "act 2 is not 234 bytes")?;
    let (mut from_initiator, _) = sent.step_2_with_now(second, NOW).map_err(|e| format!("{e:?}"))?.split();

    let lengths = [0, 1, 24, 65_519, 65_520, 140_000];
    let report = json!({
        "source": "stratum-core 0.6.0 (noise_sv2 2.0.0, codec_sv2 7.0.0), both sides, by `sri-peer noise-vectors`",
        "secrets": {
            "initiatorEphemeral": hex(&[0x11; 32]), "responderEphemeral": hex(&[0x22; 32]), "responderStatic": hex(&[0x33; 32]),
            "authority": hex(&authority_secret), "signatureAuxiliary": hex(&[0x44; 32]),
        },
        "encodings": {
            "initiatorEphemeral": encoded(0x11)?, "responderEphemeral": encoded(0x22)?, "responderStatic": encoded(0x33)?,
        },
        "authorityPublicKey": hex(&authority),
        "now": NOW,
        "notValidAfter": NOW + VALIDITY,
        "act1": hex(act1.payload()),
        "act2": hex(act2.payload()),
        "frameMessageType": 0xfe,
        "initiatorToResponder": sealed(&mut from_initiator, &lengths)?,
        "responderToInitiator": sealed(&mut from_responder, &lengths)?,
    });
    println!("{report:#}");
    Ok(())
}
