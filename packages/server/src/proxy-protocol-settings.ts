// The setting by which a server knows the load balancers in front of it.
import { defineConfig } from '@sluice/runtime/config';
import { listOf } from '@sluice/runtime/config/value-types';
import { addressRange } from './address-ranges.ts';

export const proxyProtocolSettings = defineConfig({
  proxyProtocolFrom: {
    type: listOf(addressRange()),
    default: [],
    doc: "Load balancers: connections from there must begin with a header of the PROXY protocol, version 2, and count as their client's. From anywhere else it is not taken.",
  },
});
