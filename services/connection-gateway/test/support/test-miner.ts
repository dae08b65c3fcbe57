// A miner's end of a connection in memory.
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { TestPeer } from '../../../../packages/server/test/support/test-peer.ts';

const EASIEST = new Uint8Array(32).fill(0xff);

export class TestMiner extends TestPeer {
  #requestId = 0;

  async setup(flags = 0, overrides: Partial<SetupConnection> = {}): Promise<SetupConnectionSuccess> {
    this.send(SetupConnection, setupConnection(flags, overrides));
    return await this.expect(SetupConnectionSuccess);
  }

  async openStandard(overrides: Partial<OpenStandardMiningChannel> = {}): Promise<OpenStandardMiningChannelSuccess> {
    this.send(OpenStandardMiningChannel, this.openMessage(overrides));
    return await this.expect(OpenStandardMiningChannelSuccess);
  }

  async openExtended(overrides: Partial<OpenExtendedMiningChannel> = {}): Promise<OpenExtendedMiningChannelSuccess> {
    this.send(OpenExtendedMiningChannel, { minExtranonceSize: 4, ...this.openMessage(overrides) });
    return await this.expect(OpenExtendedMiningChannelSuccess);
  }

  openMessage<T extends object>(overrides: T) {
    this.#requestId += 1;
    return {
      requestId: this.#requestId,
      userIdentity: 'account.rig',
      nominalHashRate: 1e12,
      maxTarget: EASIEST,
      ...overrides,
    };
  }
}

export function setupConnection(flags = 0, overrides: Partial<SetupConnection> = {}): SetupConnection {
  return {
    protocol: 0,
    minVersion: 2,
    maxVersion: 2,
    flags,
    endpointHost: 'pool.example',
    endpointPort: 3333,
    vendor: 'test',
    hardwareVersion: '',
    firmware: '',
    deviceId: '',
    ...overrides,
  };
}
