//! Frames as bytes: a message of the reference implementation in and out of them, with TLV fields behind it.
use crate::Outcome;
use stratum_core::codec_sv2::{EncodableFrame, MessageFrame};
use stratum_core::framing_sv2::header::Header;
use stratum_core::parsers_sv2::{parse_message_frame_with_tlvs, AnyMessageOwned, IsSv2Message, Tlv};

/// The extension whose TLV field the reference implementation knows.
pub const WORKER_HASHRATE_TRACKING: u16 = 0x0002;

/// A whole frame of a message, and TLV fields after its own.
pub fn encode(message: AnyMessageOwned, tlvs: &[Tlv]) -> Outcome<Vec<u8>> {
    let (kind, extension, channel) = (message.message_type(), message.extension_type(), message.channel_bit());
    let frame = MessageFrame::from_message(message, kind, extension, channel).map_err(|e| format!("frame: {e:?}"))?;
    let mut bytes = vec![0; frame.encoded_length()];
    frame.encode_into(&mut bytes).map_err(|e| format!("encode: {e:?}"))?;
    for tlv in tlvs {
        bytes.extend(tlv.encode().map_err(|e| format!("TLV: {e:?}"))?);
    }
    let length = (bytes.len() - Header::SIZE) as u32;
    bytes[3..6].copy_from_slice(&length.to_le_bytes()[..3]);
    Ok(bytes)
}

/// The message of a whole frame, and the TLV fields of 0x0002 behind it.
pub fn decode(frame: &[u8]) -> Outcome<(AnyMessageOwned, Vec<Tlv>)> {
    let header = Header::from_bytes(frame).map_err(|e| format!("header: {e:?}"))?;
    if frame.len() != Header::SIZE + header.payload_length() {
        return Err(format!(
            "the header announces {} bytes, {} follow",
            header.payload_length(),
            frame.len() - Header::SIZE
        ));
    }
    let mut payload = frame[Header::SIZE..].to_vec();
    let (message, tlvs) = parse_message_frame_with_tlvs(header, &mut payload, &[WORKER_HASHRATE_TRACKING])
        .map_err(|e| format!("payload: {e}"))?;
    Ok((message.into_owned(), tlvs.unwrap_or_default()))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hex.
pub fn from_hex(text: &str) -> Outcome<Vec<u8>> {
    if text.len() % 2 != 0 || !text.is_ascii() {
        return Err("hex of an odd length".into());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|e| format!("hex: {e}")))
        .collect()
}
