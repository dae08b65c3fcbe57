//! Messages of every connection.
use super::*;
use stratum_core::common_messages_sv2::*;

pub fn add(samples: &mut Samples) {
    use AnyMessageOwned::Common as C;
    use CommonMessagesOwned as M;
    for (protocol, number) in [
        (Protocol::MiningProtocol, 0),
        (Protocol::JobDeclarationProtocol, 1),
        (Protocol::TemplateDistributionProtocol, 2),
    ] {
        sample!(
            samples,
            |m| C(M::SetupConnection(m)),
            SetupConnectionOwned {
                protocol: (protocol, json!(number)),
                min_version: n(2u16),
                max_version: n(0xfffeu16),
                flags: n(0x8000_0005u32),
                endpoint_host: text("pool.example"),
                endpoint_port: n(34_254u16),
                vendor: text("Maker"),
                hardware_version: text(""),
                firmware: text("fw-1.2 \u{e9}\u{2713}"),
                device_id: text(&"d".repeat(255)),
            }
        );
    }
    sample!(
        samples,
        |m| C(M::SetupConnectionSuccess(m)),
        SetupConnectionSuccessOwned { used_version: n(2u16), flags: n(0x0102_0304u32) }
    );
    sample!(
        samples,
        |m| C(M::SetupConnectionError(m)),
        SetupConnectionErrorOwned { flags: n(6u32), error_code: text("unsupported-feature-flags") }
    );
    sample!(
        samples,
        |m| C(M::ChannelEndpointChanged(m)),
        ChannelEndpointChangedOwned { channel_id: n(0xa1a2_a3a4u32) }
    );
    sample!(samples, |m| C(M::Reconnect(m)), ReconnectOwned { new_host: text("b.pool.example"), new_port: n(3333u16) });
}
