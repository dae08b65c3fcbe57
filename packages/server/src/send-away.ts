// How a peer of Stratum V2 is moved away. Devices that follow a Reconnect are told so; the others are only closed, because some clients stop working
// when they are sent one.
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import type { PeerConnection } from './peer-connection.ts';

/** @param reconnectVendors vendors, as in SetupConnection, whose devices follow a Reconnect. */
export function sendAway(connection: PeerConnection<'drained'>, reconnectVendors: ReadonlySet<string>): void {
  if (connection.setup !== undefined && reconnectVendors.has(connection.setup.vendor))
    connection.send(Reconnect, { newHost: '', newPort: 0 });
  connection.end('drained');
}
