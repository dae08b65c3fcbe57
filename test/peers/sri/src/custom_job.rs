//! A job of the client's own: well formed, with a token that no pool has given.
use crate::Outcome;
use stratum_core::binary_sv2::{Error, Seq0255Owned};
use stratum_core::mining_sv2::SetCustomMiningJobOwned;
use stratum_core::parsers_sv2::MiningOwned;

pub fn custom_job(channel_id: u32) -> Outcome<MiningOwned> {
    let invalid = |error: Error| format!("custom job: {error:?}");
    Ok(MiningOwned::SetCustomMiningJob(SetCustomMiningJobOwned {
        channel_id,
        request_id: 1,
        token: vec![7; 8].try_into().map_err(invalid)?,
        version: 0x2000_0000,
        prev_hash: [0; 32].into(),
        min_ntime: 0,
        nbits: 0x207f_ffff,
        coinbase_tx_version: 2,
        coinbase_prefix: vec![0x51].try_into().map_err(invalid)?,
        coinbase_tx_input_n_sequence: u32::MAX,
        coinbase_tx_outputs: vec![0].try_into().map_err(invalid)?,
        coinbase_tx_locktime: 0,
        merkle_path: Seq0255Owned::new(Vec::new()).map_err(invalid)?,
    }))
}
