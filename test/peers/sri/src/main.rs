//! `sri-peer <golden|decode|client|noise-vectors|sv1> ...`: what the reference implementation makes of our bytes.
//! Every mode reports JSON on standard output and ends with a code other than 0 on failure.
mod client;
mod connection;
mod custom_job;
mod decode;
mod frame;
mod golden;
mod mining;
mod noise_vectors;
mod options;
mod sv1;

use std::process::ExitCode;

/// A failure is a sentence for the person who reads the test's output.
type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match mode.as_str() {
        "golden" => golden::run(),
        "decode" => decode::run(),
        "client" => client::run(&rest),
        "noise-vectors" => noise_vectors::run(),
        "sv1" => sv1::run(&rest),
        _ => Err("usage: sri-peer golden | decode | client ... | noise-vectors | sv1 ...".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{}", serde_json::json!({ "event": "failed", "reason": reason }));
            ExitCode::FAILURE
        }
    }
}
