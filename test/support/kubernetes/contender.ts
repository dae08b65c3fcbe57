// A process that stands for the lease and writes a ConfigMap again and again while it leads, each write asking first whether the lease is held.
// When it asked stands in the address, for the audit log. Arguments: kubeconfig, identity, the name of the ConfigMap, for how many milliseconds
// the lease holds. Says `leading` and `standing by` on standard output.
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { Writer } from '../../../operator/src/apply/writer.ts';
import { KubernetesClient } from '../../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../../operator/src/kubernetes/cluster-access.ts';
import { LeaderElection } from '../../../operator/src/leader/leader-election.ts';
import { leaderMetrics } from '../../../operator/src/leader/metrics.ts';

const WRITE_EVERY_MS = 5;
const [kubeconfig = '', identity = '', name = '', leaseMs = ''] = process.argv.slice(2);
const metrics = new MetricsRegistry();
const client = new KubernetesClient(kubeconfigAccess(kubeconfig), { metrics });

const election = new LeaderElection(
  {
    ...{ namespace: 'sluice-system', name: 'sluice-operator', identity },
    times: { leaseMs: Number(leaseMs), renewMs: 0.65 * Number(leaseMs), retryMs: 200 },
  },
  {
    ...{ client, clock: systemClock, random: Math.random, log: silentLogger() },
    metrics: createMetrics(metrics, leaderMetrics),
    async lead(term) {
      process.stdout.write('leading\n');
      const writer = new Writer(client, term);
      for (let count = 0; !term.signal.aborted; count += 1) {
        const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { by: `${identity} ${count}` } };
        await writer
          .write({
            method: 'PATCH',
            path: `/api/v1/namespaces/default/configmaps/${name}`,
            query: { fieldManager: 'contender', force: true, askedAt: Date.now() },
            contentType: 'application/apply-patch+yaml',
            body,
          })
          .catch(() => undefined);
        await sleep(WRITE_EVERY_MS);
      }
      process.stdout.write('standing by\n');
    },
  },
);
election.start();
process.on('SIGTERM', async () => {
  await election.stop();
  client.close();
});
