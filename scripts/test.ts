// `npm test [-- <vitest arguments>]`: every suite, then one plain closing line `N passed, N failed[, N skipped]`. The suites with real
// servers run after the unit tests, not beside them: they hold parts to seconds that a busy machine would not leave them. Without
// arguments a suite that ran no test has failed, and in CI so has one that skipped any. What has passed at its second attempt alone, which it has
// in CI (vitest.config.ts), is told by name before the closing line. What needs a node of Kubernetes, and with it root and control
// groups, runs by itself: `npm run test:cluster`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { inCi } from '../test/support/in-ci.ts';
import { whyNoClusterNode } from '../test/support/kubernetes/node-packages.ts';
import { withClusterNode } from '../test/support/kubernetes/with-cluster-node.ts';

interface Outcome {
  readonly project: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Tests that failed before they passed: where they stand, and why they failed. */
  readonly again: readonly string[];
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
  readonly testResults: readonly { readonly name: string; readonly assertionResults: readonly TestReport[] }[];
}

interface TestReport {
  readonly status: string;
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  /** Of every attempt, also where a later one has passed. */
  readonly failureMessages: readonly string[];
}

const root = join(import.meta.dirname, '..');
const filters = process.argv.slice(2);
// Whatever reads CI by itself finds the same answer as `inCi`.
const env = { ...process.env, CI: inCi ? 'true' : undefined };
const directory = mkdtempSync(join(tmpdir(), 'sluice-test-'));

// The fast curve is built where a compiler is, or can be had; without it the suites run on the reference and say so.
const install = inCi ? ['--install'] : [];
spawnSync(process.execPath, [join(import.meta.dirname, 'build-secp256k1.ts'), ...install], { stdio: 'inherit' });
const withPeers = filters.length === 0 || filters.some((filter) => /peers|sri/.test(filter));
if (withPeers) spawnSync(process.execPath, [join(import.meta.dirname, 'build-peers.ts')], { stdio: 'inherit' });
const withKubernetes = filters.length === 0 || filters.some((filter) => /kubernetes|crds|operator/.test(filter));
if (withKubernetes)
  spawnSync(process.execPath, [join(import.meta.dirname, 'build-kubernetes.ts')], { stdio: 'inherit' });

/** @param enter the beginning of a command, for a project whose tests run inside of something */
function runProject(project: string, enter: readonly string[] = [], more: Record<string, string> = {}): Outcome {
  const report = join(directory, `${project}.json`);
  const outputs = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  // A filter may leave nothing of one of the projects.
  const options = filters.length > 0 ? ['--passWithNoTests', ...filters] : [];
  const command = [...enter, process.execPath, vitest, 'run', '--project', project, ...outputs, ...options];
  const [program = '', ...args] = command;
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit', env: { ...env, ...more } });
  try {
    const result = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
    // A file that could not be loaded counts no test of its own, yet it is a failure.
    const failed = Math.max(result.numFailedTests, result.success && status === 0 ? 0 : 1);
    const skipped = result.numPendingTests + result.numTodoTests;
    return { project, passed: result.numPassedTests, failed, skipped, again: passedAgain(result) };
  } catch (error) {
    console.error(`vitest left no report: ${error instanceof Error ? error.message : String(error)}`);
    return { project, passed: 0, failed: 1, skipped: 0, again: [] };
  }
}

function passedAgain({ testResults }: VitestReport): readonly string[] {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0)
      .map(({ ancestorTitles, title, failureMessages: [why = ''] }) => {
        const place = [relative(root, name), ...ancestorTitles, title].join(' > ');
        return `${place}\n  ${why.split('\n', 1)[0]}`;
      }),
  );
}

async function runCluster(): Promise<Outcome> {
  const project = 'cluster';
  const left = whyNoClusterNode();
  if (left !== undefined) {
    console.log(`the tests on a node of Kubernetes are left out: ${left}`);
    return { project, passed: 0, failed: 0, skipped: 1, again: [] };
  }
  try {
    return await withClusterNode((enter, more) => runProject(project, enter, more));
  } catch (error) {
    console.error(error);
    return { project, passed: 0, failed: 1, skipped: 0, again: [] };
  }
}

const outcomes = ['unit', 'integration'].map((project) => runProject(project));
if (filters.some((filter) => filter.includes('cluster'))) outcomes.push(await runCluster());
rmSync(directory, { recursive: true, force: true });
const sum = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((total, outcome) => total + outcome[key], 0);
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
const gaps =
  filters.length > 0
    ? []
    : outcomes.flatMap(({ project, passed, skipped: left }) => [
        ...(passed === 0 ? [`no test of the project ${project} has passed`] : []),
        ...(inCi && left > 0 ? [`${left} tests of the project ${project} were skipped, which CI may not`] : []),
      ]);
for (const gap of gaps) console.error(gap);
for (const test of outcomes.flatMap(({ again }) => again)) console.log(`passed at the second attempt: ${test}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped}`);
process.exitCode = sum('failed') === 0 && sum('passed') > 0 && gaps.length === 0 ? 0 : 1;
