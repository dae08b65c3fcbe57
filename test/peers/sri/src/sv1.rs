//! `sri-peer sv1 ...`: a miner of Stratum V1 on the published `sv1_api`: its messages, its state machine of a client, and honest hashing.
mod client;
mod stream;
mod work;

use crate::options::Options;
use crate::Outcome;
use client::{Client, Event};
use serde_json::json;
use std::time::{Duration, Instant};
use stream::Lines;
use work::Work;

const KNOWN: &[&str] = &["--address", "--user", "--shares", "--hashrate", "--trust", "--timeout"];
/// Time that a stall may let it catch up with.
const MAX_DEBT: Duration = Duration::from_millis(50);

/// Mines until so many shares were accepted, none waits for its answer, and says what it was told.
pub fn run(arguments: &[String]) -> Outcome<()> {
    let options = Options::new(arguments, KNOWN)?;
    let wanted: usize = options.number("--shares", 10)?;
    let hashrate: f64 = options.number("--hashrate", 1_000.0)?;
    let deadline = Instant::now() + Duration::from_secs(options.number("--timeout", 60)?);
    let address = options.text("--address").ok_or("--address is missing")?;
    let mut lines = Lines::connect(address, options.text("--trust"))?;
    let mut client = Client::new(options.text("--user").unwrap_or("farm.sri"));
    lines.send(&client.begin()?)?;

    let mut work = Work::default();
    let mut hashed_at = Instant::now();
    while client.accepted < wanted || client.waiting() > 0 {
        if Instant::now() > deadline {
            return Err(format!("{} of {wanted} shares were accepted in time", client.accepted));
        }
        for line in lines.receive()? {
            for message in client.take(&line)? {
                lines.send(&message)?;
            }
        }
        client.events.drain(..).for_each(report);
        let elapsed = hashed_at.elapsed().min(MAX_DEBT);
        hashed_at = Instant::now();
        if client.accepted + client.waiting() < wanted {
            let share = client.job().and_then(|job| work.hash(job, (hashrate * elapsed.as_secs_f64()) as u32));
            if let Some(share) = share {
                lines.send(&client.submit(share)?)?;
            }
        }
    }
    println!("{}", json!({ "event": "done", "accepted": client.accepted, "refused": client.refused }));
    Ok(())
}

fn report(event: Event) {
    let line = match event {
        Event::Ready { extranonce1, extranonce2_size, version_mask } => json!({
            "event": "ready", "extranonce1": extranonce1, "extranonce2Size": extranonce2_size, "versionMask": version_mask,
        }),
        Event::Job { prev_hash, clean, difficulty } => json!({
            "event": "job", "prevHash": prev_hash, "clean": clean, "difficulty": difficulty,
        }),
        Event::Accepted { hash, is_block } => json!({ "event": "accepted", "hash": hash, "isBlock": is_block }),
        Event::Refused { hash, reason } => json!({ "event": "refused", "hash": hash, "reason": reason }),
    };
    println!("{line}");
}
