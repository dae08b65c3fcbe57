// The tables of all commands: one environment and one file may serve several of them. Loaded where a name is in question alone.
import type { Settings } from '@sluice/runtime/config';
import { processSettings } from '@sluice/runtime/process-settings';

/** Commands that run a service, and so have the settings of every process. */
const service = (settings: Settings): Settings => ({ ...settings, ...processSettings });

/** By the name of the command. */
export async function commandSettings(): Promise<ReadonlyMap<string, Settings>> {
  const [start, provider, distributor, manager, gateway, validator, proxy, operator, miner, keys] = await Promise.all([
    import('./start/config.ts'),
    import('@sluice/template-provider/config'),
    import('@sluice/job-distributor/config'),
    import('@sluice/channel-manager/config'),
    import('@sluice/connection-gateway/config'),
    import('@sluice/share-validator/config'),
    import('@sluice/proxy/config'),
    import('@sluice/operator/config'),
    import('@sluice/miner/config'),
    import('./keys/config.ts'),
  ]);
  return new Map<string, Settings>([
    ['start', start.startSettings],
    ['template-provider', service(provider.templateProviderSettings)],
    ['job-distributor', service(distributor.jobDistributorSettings)],
    ['channel-manager', service(manager.channelManagerSettings)],
    ['connection-gateway', service(gateway.connectionGatewaySettings)],
    ['share-validator', service(validator.shareValidatorSettings)],
    ['proxy', service(proxy.proxySettings)],
    ['operator', service(operator.operatorSettings)],
    ['miner', miner.minerSettings],
    ['keys', keys.keysSettings],
  ]);
}
