// Composition root of the channel-manager process.
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { connectBus } from '@sluice/bus/bus-settings';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { runService } from '@sluice/runtime/run-service';
import { channelManagerRule, channelManagerSettings } from './config.ts';
import { createChannelManagerService } from './service.ts';

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'channel-manager',
    doc: 'Decides who may open a channel and within which bounds its difficulty moves; gives gateways their extranonce ranges.',
    settings: channelManagerSettings,
    rule: channelManagerRule,
    argv,
    commands,
    async create({ config, log, metrics, health, clock, shutdown }) {
      const bus = await connectBus(config, { service: 'channel-manager', log, clock, metrics, health });
      shutdown.add('bus', () => bus.close());
      const { sharesPerMinute, unknownHashrate, trustedHashrate, accounts } = config;
      return createChannelManagerService(
        {
          policy: {
            sharesPerMinute,
            unknownHashrate,
            trustedHashrate,
            hardestTarget: targetOfDifficulty(config.hardestDifficulty),
            easiestTarget: targetOfDifficulty(config.easiestDifficulty),
            ...(config.payoutByIdentity ? { payoutNetwork: config.network } : {}),
          },
          ...(accounts === undefined ? {} : { accountsFile: accounts }),
        },
        { bus, clock, log, metrics, health },
      );
    },
  });
