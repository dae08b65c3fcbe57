//! Jobs, tips, shares and custom jobs.
use super::*;
use stratum_core::mining_sv2::*;

pub fn add(samples: &mut Samples) {
    use AnyMessageOwned::Mining as C;
    use MiningOwned as M;
    for min_ntime in [None, Some(0x6500_0001)] {
        sample!(
            samples,
            |m| C(M::NewMiningJob(m)),
            NewMiningJobOwned {
                channel_id: n(1u32),
                job_id: n(2u32),
                min_ntime: option(min_ntime),
                version: n(0x2000_0003u32),
                merkle_root: bytes(32, 4),
            }
        );
    }
    for (min_ntime, depth, rolling) in [(None, 0, false), (Some(5), 3, true), (Some(u32::MAX), 255, true)] {
        let path = (0..depth).map(|i| bytes(32, i as u8)).collect();
        sample!(
            samples,
            |m| C(M::NewExtendedMiningJob(m)),
            NewExtendedMiningJobOwned {
                channel_id: n(6u32),
                job_id: n(7u32),
                min_ntime: option(min_ntime),
                version: n(8u32),
                version_rolling_allowed: n(rolling),
                merkle_path: list255(path),
                coinbase_tx_prefix: bytes(300, 9),
                coinbase_tx_suffix: bytes(0, 0),
            }
        );
    }
    sample!(
        samples,
        |m| C(M::SetNewPrevHash(m)),
        SetNewPrevHashOwned {
            channel_id: n(10u32),
            job_id: n(11u32),
            prev_hash: bytes(32, 12),
            min_ntime: n(13u32),
            nbits: n(0x1703_4219u32),
        }
    );
    sample!(
        samples,
        |m| C(M::SubmitSharesStandard(m)),
        SubmitSharesStandardOwned {
            channel_id: n(14u32),
            sequence_number: n(15u32),
            job_id: n(16u32),
            nonce: n(0xdead_beefu32),
            ntime: n(17u32),
            version: n(18u32),
        }
    );
    for (size, worker) in [(0, None), (8, Some("Worker_001")), (32, Some(""))] {
        match worker {
            None => sample!(
                samples,
                |m| C(M::SubmitSharesExtended(m)),
                SubmitSharesExtendedOwned {
                    channel_id: n(19u32),
                    sequence_number: n(20u32),
                    job_id: n(21u32),
                    nonce: n(22u32),
                    ntime: n(23u32),
                    version: n(24u32),
                    extranonce: bytes(size, 25),
                }
            ),
            Some(worker) => sample!(samples, |m| C(M::SubmitSharesExtended(m)), SubmitSharesExtendedOwned {
                channel_id: n(19u32), sequence_number: n(20u32), job_id: n(21u32), nonce: n(22u32), ntime: n(23u32), version: n(24u32), extranonce: bytes(size, 25),
            }, worker worker),
        }
    }
    sample!(
        samples,
        |m| C(M::SubmitSharesSuccess(m)),
        SubmitSharesSuccessOwned {
            channel_id: n(26u32),
            last_sequence_number: n(27u32),
            new_submits_accepted_count: n(28u32),
            new_shares_sum: u64_(u64::MAX - 1),
        }
    );
    sample!(
        samples,
        |m| C(M::SubmitSharesError(m)),
        SubmitSharesErrorOwned { channel_id: n(29u32), sequence_number: n(30u32), error_code: text("stale-share") }
    );
    sample!(
        samples,
        |m| C(M::SetCustomMiningJob(m)),
        SetCustomMiningJobOwned {
            channel_id: n(31u32),
            request_id: n(32u32),
            token: bytes(255, 33),
            version: n(34u32),
            prev_hash: bytes(32, 35),
            min_ntime: n(36u32),
            nbits: n(37u32),
            coinbase_tx_version: n(38u32),
            coinbase_prefix: bytes(8, 39),
            coinbase_tx_input_n_sequence: n(40u32),
            coinbase_tx_outputs: bytes(64, 41),
            coinbase_tx_locktime: n(42u32),
            merkle_path: list255(vec![bytes(32, 43)]),
        }
    );
    sample!(
        samples,
        |m| C(M::SetCustomMiningJobSuccess(m)),
        SetCustomMiningJobSuccessOwned { channel_id: n(44u32), request_id: n(45u32), job_id: n(46u32) }
    );
    sample!(
        samples,
        |m| C(M::SetCustomMiningJobError(m)),
        SetCustomMiningJobErrorOwned {
            channel_id: n(47u32),
            request_id: n(48u32),
            error_code: text("jd-not-supported")
        }
    );
}
