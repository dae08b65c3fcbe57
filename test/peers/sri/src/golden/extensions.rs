//! Messages of extension 0x0001.
use super::*;
use stratum_core::extensions_sv2::*;

pub fn add(samples: &mut Samples) {
    use ExtensionsNegotiationOwned as M;
    let wrap = |m| AnyMessageOwned::Extensions(ExtensionsOwned::ExtensionsNegotiation(m));
    sample!(
        samples,
        |m| wrap(M::RequestExtensions(m)),
        RequestExtensionsOwned { request_id: n(1u16), requested_extensions: list64k(vec![n(2u16), n(0x4003)]) }
    );
    sample!(
        samples,
        |m| wrap(M::RequestExtensionsSuccess(m)),
        RequestExtensionsSuccessOwned { request_id: n(4u16), supported_extensions: list64k(vec![n(2u16)]) }
    );
    sample!(
        samples,
        |m| wrap(M::RequestExtensionsError(m)),
        RequestExtensionsErrorOwned {
            request_id: n(5u16),
            unsupported_extensions: list64k(vec![n(6u16)]),
            required_extensions: list64k(vec![])
        }
    );
}
