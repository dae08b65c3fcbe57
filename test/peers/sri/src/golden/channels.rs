//! Messages that open, change and close channels.
use super::*;
use stratum_core::mining_sv2::*;

pub fn add(samples: &mut Samples) {
    use AnyMessageOwned::Mining as C;
    use MiningOwned as M;
    for rate in [0.0f32, 1.5e12, 3.4e38] {
        sample!(
            samples,
            |m| C(M::OpenStandardMiningChannel(m)),
            OpenStandardMiningChannelOwned {
                request_id: n(1u32),
                user_identity: text("account.worker"),
                nominal_hash_rate: n(rate),
                max_target: bytes(32, 1),
            }
        );
    }
    sample!(
        samples,
        |m| C(M::OpenStandardMiningChannelSuccess(m)),
        OpenStandardMiningChannelSuccessOwned {
            request_id: n(2u32),
            channel_id: n(3u32),
            target: bytes(32, 4),
            extranonce_prefix: bytes(20, 5),
            group_channel_id: n(6u32),
        }
    );
    sample!(
        samples,
        |m| C(M::OpenExtendedMiningChannel(m)),
        OpenExtendedMiningChannelOwned {
            request_id: n(7u32),
            user_identity: text(""),
            nominal_hash_rate: n(1.0f32),
            max_target: bytes(32, 8),
            min_extranonce_size: n(8u16),
        }
    );
    sample!(
        samples,
        |m| C(M::OpenExtendedMiningChannelSuccess(m)),
        OpenExtendedMiningChannelSuccessOwned {
            request_id: n(9u32),
            channel_id: n(10u32),
            target: bytes(32, 11),
            extranonce_size: n(12u16),
            extranonce_prefix: bytes(32, 13),
            group_channel_id: n(14u32),
        }
    );
    sample!(
        samples,
        |m| C(M::OpenMiningChannelError(m)),
        OpenMiningChannelErrorOwned { request_id: n(15u32), error_code: text("unknown-user") }
    );
    sample!(
        samples,
        |m| C(M::UpdateChannel(m)),
        UpdateChannelOwned { channel_id: n(16u32), nominal_hash_rate: n(0.25f32), maximum_target: bytes(32, 17) }
    );
    sample!(
        samples,
        |m| C(M::UpdateChannelError(m)),
        UpdateChannelErrorOwned { channel_id: n(18u32), error_code: text("invalid-channel-id") }
    );
    sample!(samples, |m| C(M::CloseChannel(m)), CloseChannelOwned { channel_id: n(19u32), reason_code: text("") });
    sample!(
        samples,
        |m| C(M::SetExtranoncePrefix(m)),
        SetExtranoncePrefixOwned { channel_id: n(20u32), extranonce_prefix: bytes(0, 0) }
    );
    sample!(samples, |m| C(M::SetTarget(m)), SetTargetOwned { channel_id: n(21u32), maximum_target: bytes(32, 22) });
    sample!(
        samples,
        |m| C(M::SetGroupChannel(m)),
        SetGroupChannelOwned { group_channel_id: n(23u32), channel_ids: list64k(vec![n(24u32), n(25), n(u32::MAX)]) }
    );
    sample!(
        samples,
        |m| C(M::SetGroupChannel(m)),
        SetGroupChannelOwned { group_channel_id: n(23u32), channel_ids: list64k(vec![]) }
    );
}
