//! Messages of the job declaration protocol.
use super::*;
use stratum_core::job_declaration_sv2::*;

pub fn add(samples: &mut Samples) {
    use AnyMessageOwned::JobDeclaration as C;
    use JobDeclarationOwned as M;
    sample!(
        samples,
        |m| C(M::AllocateMiningJobToken(m)),
        AllocateMiningJobTokenOwned { user_identifier: text("account"), request_id: n(1u32) }
    );
    sample!(
        samples,
        |m| C(M::AllocateMiningJobTokenSuccess(m)),
        AllocateMiningJobTokenSuccessOwned {
            request_id: n(2u32),
            mining_job_token: bytes(16, 3),
            coinbase_outputs: bytes(40, 4)
        }
    );
    sample!(
        samples,
        |m| C(M::ProvideMissingTransactions(m)),
        ProvideMissingTransactionsOwned {
            request_id: n(5u32),
            unknown_tx_position_list: list64k(vec![n(0u16), n(6), n(u16::MAX)])
        }
    );
    sample!(
        samples,
        |m| C(M::ProvideMissingTransactionsSuccess(m)),
        ProvideMissingTransactionsSuccessOwned {
            request_id: n(7u32),
            transaction_list: list64k(vec![bytes(0, 0), bytes(500, 8)])
        }
    );
    sample!(
        samples,
        |m| C(M::DeclareMiningJob(m)),
        DeclareMiningJobOwned {
            request_id: n(9u32),
            mining_job_token: bytes(1, 10),
            version: n(11u32),
            coinbase_tx_prefix: bytes(70, 12),
            coinbase_tx_suffix: bytes(60, 13),
            wtxid_list: list64k(vec![bytes(32, 14), bytes(32, 15)]),
            excess_data: bytes(3, 16),
        }
    );
    sample!(
        samples,
        |m| C(M::DeclareMiningJobSuccess(m)),
        DeclareMiningJobSuccessOwned { request_id: n(17u32), new_mining_job_token: bytes(9, 18) }
    );
    sample!(
        samples,
        |m| C(M::DeclareMiningJobError(m)),
        DeclareMiningJobErrorOwned {
            request_id: n(19u32),
            error_code: text("invalid-job"),
            error_details: bytes(5, 20)
        }
    );
    sample!(
        samples,
        |m| C(M::PushSolution(m)),
        PushSolutionOwned {
            extranonce: bytes(20, 21),
            prev_hash: bytes(32, 22),
            nonce: n(23u32),
            ntime: n(24u32),
            nbits: n(25u32),
            version: n(26u32),
        }
    );
}
