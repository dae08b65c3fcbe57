import { zeroCounts } from '@sluice/runtime/zero-counts';
import { type SocketCloseReason, socketCloseReasonCodes } from '../../src/errors.ts';
import type { ListenerCounters } from '../../src/listener.ts';

export const listenerCounters = (): ListenerCounters => ({
  connectionsAccepted: 0,
  refusedTotal: 0,
  refusedAddress: 0,
  refusedRate: 0,
  refusedAddressRate: 0,
  refusedDraining: 0,
  closed: zeroCounts(Object.keys(socketCloseReasonCodes) as SocketCloseReason[]),
});
