// `npm test [-- <vitest arguments>]`: every suite, then one plain closing line `N passed, N failed[, N skipped]`. The suites with real
// servers run after the unit tests, not beside them: they hold parts to seconds that a busy machine would not leave them. Without
// arguments a suite that ran no test has failed, and in CI so has one that skipped any. In CI, where nobody sits beside it that could begin again,
// a file in which a test failed has a second attempt of its own, by itself and from its beginning; what failed, at either, is told by name before
// the closing line. The tests on a node of Kubernetes come last; a machine that cannot have one says why, and that is no failure. Those under load are
// run by name alone, or all together: `npm run test:cluster`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { messageOf } from '../packages/runtime/src/errors.ts';
import { inCi } from '../test/support/in-ci.ts';
import { whyNoClusterNode } from '../test/support/kubernetes/node-packages.ts';
import { withClusterNode } from '../test/support/kubernetes/with-cluster-node.ts';

interface Outcome {
  readonly project: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** A line for each test that failed at an attempt. */
  readonly failures: readonly string[];
  /** Why none of it could run here. */
  readonly leftOut?: string;
}

interface VitestReport {
  readonly success: boolean;
  readonly testResults: readonly FileReport[];
}

interface FileReport {
  readonly name: string;
  readonly status: string;
  /** Why the file could not be loaded. */
  readonly message: string;
  readonly assertionResults: readonly TestReport[];
}

interface TestReport {
  readonly status: string;
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly failureMessages: readonly string[];
}

/** With more than these it is not chance. */
const MAX_FILES_AGAIN = 8;
/** CI ends a run after an hour and a half, and with it what would be told of all that had run. */
const CI_MS = 85 * 60_000;
/** Of the tests on a node, with a second attempt. */
const CLUSTER_MS = 20 * 60_000;
const UNDER_LOAD = 'test/cluster/under-load';
const msLeft = () => CI_MS - performance.now();
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
const withCluster = filters.length === 0 || filters.some((filter) => filter.includes('cluster'));
const withKubernetes = withCluster || filters.some((filter) => /kubernetes|crds|operator/.test(filter));
const node = withCluster ? ['--node'] : [];
if (withKubernetes)
  spawnSync(process.execPath, [join(import.meta.dirname, 'build-kubernetes.ts'), ...node], { stdio: 'inherit' });

/** Resolves with undefined when there is no report of it. @param only files, or parts of their names; empty: all */
type Attempt = (only: readonly string[]) => Promise<VitestReport | undefined> | VitestReport | undefined;

async function runProject(project: string, attempt: Attempt): Promise<Outcome> {
  // A filter may leave nothing of one of the projects.
  const first = await attempt(filters.length > 0 ? ['--passWithNoTests', ...filters] : []);
  if (first === undefined) return { project, passed: 0, failed: 1, skipped: 0, failures: [] };
  const files = first.testResults.filter(({ status }) => status !== 'passed').map(({ name }) => name);
  if (!inCi || files.length === 0 || files.length > MAX_FILES_AGAIN) return outcomeOf(project, first);
  console.log(`once more, by themselves: ${files.map((file) => relative(root, file)).join(' ')}`);
  const second = await attempt(files);
  if (second === undefined) return outcomeOf(project, first);
  const others = first.testResults.filter(({ name }) => !files.includes(name));
  const outcome = outcomeOf(project, { ...second, testResults: [...others, ...second.testResults] });
  const early = failuresOf(first).map((failure) => `at the first attempt, ${failure}`);
  return { ...outcome, failures: [...early, ...outcome.failures] };
}

interface Inside {
  /** The beginning of a command, for a project whose tests run inside of something. */
  readonly enter: readonly string[];
  readonly more: Record<string, string>;
}

function runVitest(project: string, only: readonly string[], inside: Inside = { enter: [], more: {} }) {
  const report = join(directory, `${project}.json`);
  rmSync(report, { force: true });
  const outputs = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const command = [...inside.enter, process.execPath, vitest, 'run', '--project', project, ...outputs, ...only];
  const [program = '', ...args] = command;
  const timeout = inCi ? Math.max(1, Math.round(msLeft())) : undefined;
  const options = { cwd: root, env: { ...env, ...inside.more }, timeout };
  const { status } = spawnSync(program, args, { ...options, stdio: 'inherit' });
  try {
    const result = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
    return { ...result, success: result.success && status === 0 };
  } catch (error) {
    console.error(`vitest left no report: ${messageOf(error)}`);
    return undefined;
  }
}

function outcomeOf(project: string, report: VitestReport): Outcome {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const count = (...states: readonly string[]) => tests.filter(({ status }) => states.includes(status)).length;
  const failures = failuresOf(report);
  // What vitest counts as a failure of no file, as a rejection that nobody caught, is one all the same.
  const failed = Math.max(failures.length, report.success ? 0 : 1);
  const skipped = count('pending', 'skipped', 'todo', 'disabled');
  return { project, passed: count('passed'), failed, skipped, failures };
}

function failuresOf({ testResults }: VitestReport): readonly string[] {
  return testResults
    .filter(({ status }) => status !== 'passed')
    .flatMap(({ name, message, assertionResults }) => {
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      const file = relative(root, name);
      // A file that could not be loaded counts no test of its own.
      if (failed.length === 0) return [failureLine([file], message)];
      return failed.map(({ ancestorTitles, title, failureMessages: [why = ''] }) =>
        failureLine([file, ...ancestorTitles, title], why),
      );
    });
}

const failureLine = (place: readonly string[], why: string) => `${place.join(' > ')}: ${why.split('\n', 1)[0]}`;

async function runCluster(): Promise<Outcome> {
  const project = 'cluster';
  const none = { project, passed: 0, failed: 0, skipped: 0, failures: [] };
  const isLate = inCi && msLeft() < CLUSTER_MS;
  const leftOut = isLate ? 'what came before has taken too long' : await whyNoClusterNode();
  if (leftOut !== undefined) return { ...none, skipped: 1, leftOut };
  const without = filters.length > 0 ? [] : [`--exclude=${UNDER_LOAD}/**`];
  try {
    return await runProject(project, (only) =>
      withClusterNode((enter, more) => runVitest(project, [...without, ...only], { enter, more })),
    );
  } catch (error) {
    console.error(error);
    return { ...none, failed: 1, failures: [failureLine(['a node of Kubernetes'], messageOf(error))] };
  }
}

const outcomes: Outcome[] = [];
for (const project of ['unit', 'integration'])
  outcomes.push(await runProject(project, (only) => runVitest(project, only)));
if (withCluster) outcomes.push(await runCluster());
rmSync(directory, { recursive: true, force: true });
const sum = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((total, outcome) => total + outcome[key], 0);
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
const gaps =
  filters.length > 0
    ? []
    : outcomes
        .filter(({ leftOut }) => leftOut === undefined)
        .flatMap(({ project, passed, skipped: left }) => [
          ...(passed === 0 ? [`no test of the project ${project} has passed`] : []),
          ...(inCi && left > 0 ? [`${left} tests of the project ${project} were skipped, which CI may not`] : []),
        ]);
for (const gap of gaps) console.error(gap);
for (const { project, leftOut } of outcomes)
  if (leftOut !== undefined) console.log(`left out, the project ${project}: ${leftOut}`);
for (const failure of outcomes.flatMap(({ failures }) => failures)) console.log(`failed ${failure}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped}`);
process.exitCode = sum('failed') === 0 && sum('passed') > 0 && gaps.length === 0 ? 0 : 1;
