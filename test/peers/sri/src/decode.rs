//! `decode`: reads frames as lines of hex, decodes each with the reference implementation and encodes it again.
use crate::frame::{decode, encode, from_hex, hex};
use crate::Outcome;
use serde_json::{json, Value};
use std::io::BufRead;

pub fn run() -> Outcome<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| e.to_string())?;
        println!("{}", report(line.trim()));
    }
    Ok(())
}

fn report(line: &str) -> Value {
    match repeat(line) {
        Ok((message, worker, reencoded)) => {
            json!({ "ok": true, "message": message, "worker": worker, "reencoded": reencoded })
        }
        Err(reason) => json!({ "ok": false, "reason": reason }),
    }
}

/// The message as the reference implementation prints it, the worker of a TLV field, and the frame made again.
fn repeat(line: &str) -> Outcome<(String, Option<String>, String)> {
    let (message, tlvs) = decode(&from_hex(line)?)?;
    let printed = format!("{message:?}");
    let worker = tlvs.first().map(|tlv| String::from_utf8_lossy(&tlv.value).into_owned());
    Ok((printed, worker, hex(&encode(message, &tlvs)?)))
}
