// What the operator asks the API server for beside pools in which nothing happens; how much that costs is measured at length.
import { expect, it } from 'vitest';
import { measureReconcileCost } from '../reconcile-cost/cost-run.ts';
import { broken, table } from '../reconcile-cost/report.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';

const missing = whyNoKubernetes();

it.skipIf(missing !== undefined)(
  `a resting operator writes nothing${missing === undefined ? '' : ` (${missing})`}`,
  async () => {
    const report = await measureReconcileCost({ pools: 2, minutes: 0.5, atRest: false, log: () => undefined });
    expect(broken(report), table(report)).toEqual([]);
  },
);
