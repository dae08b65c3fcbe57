// The settings of a server of miners for how it moves connections away.
import { defineConfig } from '@sluice/runtime/config';
import { secretFile } from '@sluice/runtime/config/path-types';
import { integer, listOf, text } from '@sluice/runtime/config/value-types';
import { DEFAULT_PER_SECOND } from './drain.ts';

export const drainSettings = defineConfig({
  drainSeconds: {
    type: integer({ min: 1, max: 3_600 }),
    default: 20,
    doc: 'Over how many seconds connections are moved away when the process ends.',
  },
  drainRate: {
    type: integer({ min: 1, max: 10_000 }),
    default: DEFAULT_PER_SECOND,
    doc: 'Connections that are moved away in a second, and more where drainSeconds asks for more.',
  },
  reconnectVendors: {
    type: listOf(
      text({
        allowed: 'a vendor as it stands in SetupConnection, up to 255 characters',
        placeholder: 'VENDOR',
        pattern: /^.{1,255}$/,
      }),
    ),
    default: [],
    doc: 'Vendors whose devices follow a Reconnect message of Stratum V2; every other connection is closed without it when it is moved away.',
  },
  ordersTokenFile: {
    type: secretFile({ holds: 'the token of whoever may give orders at /drain of the health address' }),
    optional: true,
    doc: 'The token that orders to move connections away must come with, read again at each of them; without it none are taken.',
  },
});
