// Composition root of the operator's process.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { fastestEc } from '@sluice/noise/fastest-ec';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { randomBytes } from '@sluice/runtime/random';
import { runService } from '@sluice/runtime/run-service';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { operatorSettings } from './config.ts';
import { KubernetesClient } from './kubernetes/client.ts';
import { inClusterAccess, inClusterNamespace, kubeconfigAccess } from './kubernetes/cluster-access.ts';
import { Operator } from './operator.ts';

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'operator',
    doc: 'Makes pods, Services and their configuration of the MiningPools and ProxyFleets of a Kubernetes cluster.',
    settings: operatorSettings,
    argv,
    commands,
    create({ config, log, metrics, health, clock, shutdown }) {
      const { kubeconfig, watchNamespaces, monitoringNamespace, leaseName, workers, podUrl } = config;
      const images = { sluice: config.image, nats: config.natsImage, bitcoind: config.bitcoindImage };
      const access = kubeconfig === undefined ? inClusterAccess() : kubeconfigAccess(kubeconfig);
      const client = new KubernetesClient(access, { metrics });
      shutdown.add('connections to the Kubernetes API', () => client.close());
      const namespace = config.namespace ?? inClusterNamespace();
      const wasm = findSecp256k1Wasm();
      const ec = fastestEc(wasm, randomBytes);
      log.info({ ec: ec.name }, 'cryptography');
      if (wasm === undefined)
        log.warn(
          'keys are made and checked by the reference curve, which is slower and not constant-time: run npm run secp256k1',
        );
      const identity = `${hostname()}_${randomUUID()}`;
      return new Operator(
        {
          ...{ images, watchNamespaces, monitoringNamespace, workers, podUrl, identity },
          ...{ scrapeMs: config.scrapeSeconds * 1_000, lease: { namespace, name: leaseName } },
        },
        { client, ec, clock, log, metrics, health },
      );
    },
  });
