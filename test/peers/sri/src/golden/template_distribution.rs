//! Messages of the template distribution protocol.
use super::*;
use stratum_core::template_distribution_sv2::*;

pub fn add(samples: &mut Samples) {
    use AnyMessageOwned::TemplateDistribution as C;
    use TemplateDistributionOwned as M;
    sample!(
        samples,
        |m| C(M::CoinbaseOutputConstraints(m)),
        CoinbaseOutputConstraintsOwned {
            coinbase_output_max_additional_size: n(1000u32),
            coinbase_output_max_additional_sigops: n(400u16)
        }
    );
    for future in [true, false] {
        sample!(
            samples,
            |m| C(M::NewTemplate(m)),
            NewTemplateOwned {
                template_id: u64_(1 << 40),
                future_template: n(future),
                version: n(1u32),
                coinbase_tx_version: n(2u32),
                coinbase_prefix: bytes(4, 3),
                coinbase_tx_input_sequence: n(4u32),
                coinbase_tx_value_remaining: u64_(312_500_000),
                coinbase_tx_outputs_count: n(5u32),
                coinbase_tx_outputs: bytes(47, 6),
                coinbase_tx_locktime: n(7u32),
                merkle_path: list255(vec![bytes(32, 8), bytes(32, 9)]),
            }
        );
    }
    sample!(
        samples,
        |m| C(M::SetNewPrevHash(m)),
        SetNewPrevHashOwned {
            template_id: u64_(10),
            prev_hash: bytes(32, 11),
            header_timestamp: n(12u32),
            n_bits: n(13u32),
            target: bytes(32, 14),
        }
    );
    sample!(samples, |m| C(M::RequestTransactionData(m)), RequestTransactionDataOwned { template_id: u64_(15) });
    sample!(
        samples,
        |m| C(M::RequestTransactionDataSuccess(m)),
        RequestTransactionDataSuccessOwned {
            template_id: u64_(16),
            excess_data: bytes(36, 17),
            transaction_list: list64k(vec![bytes(250, 18), bytes(1, 19)]),
        }
    );
    sample!(
        samples,
        |m| C(M::RequestTransactionDataError(m)),
        RequestTransactionDataErrorOwned { template_id: u64_(20), error_code: text("stale-template-id") }
    );
    sample!(
        samples,
        |m| C(M::SubmitSolution(m)),
        SubmitSolutionOwned {
            template_id: u64_(21),
            version: n(22u32),
            header_timestamp: n(23u32),
            header_nonce: n(24u32),
            coinbase_tx: bytes(200, 25),
        }
    );
}
