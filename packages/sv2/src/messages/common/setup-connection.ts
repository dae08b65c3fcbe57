import { STR0_255, U8, U16, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const SetupConnection = message({
  name: 'SetupConnection',
  protocol: 'common',
  type: 0x00,
  channelMsg: false,
  from: 'client',
  spec: '3.6.1',
  doc: 'Opens a connection: the first message on it, answered by SetupConnection.Success or SetupConnection.Error.',
  fields: {
    protocol: field(U8, '0 mining, 1 job declaration, 2 template distribution.'),
    minVersion: field(U16, 'Lowest protocol version that the client speaks; 2 is the only one there is.'),
    maxVersion: field(U16, 'Highest protocol version that the client speaks.'),
    flags: field(U32, 'Optional features that the client needs; their bits depend on `protocol`, see flags.ts.'),
    endpointHost: field(STR0_255, 'Host name or address that the client connected to, in ASCII.'),
    endpointPort: field(U16, 'Port that the client connected to.'),
    vendor: field(STR0_255, 'Maker of the device or software.'),
    hardwareVersion: field(STR0_255, 'Kind of hardware.'),
    firmware: field(STR0_255, 'Firmware and its version.'),
    deviceId: field(STR0_255, "The vendor's own identifier of the device; empty for clients that send no telemetry."),
  },
});
export type SetupConnection = MessageOf<typeof SetupConnection>;
