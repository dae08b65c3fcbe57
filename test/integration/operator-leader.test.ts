// Two processes stand for one lease of a real API server. Who leads is told by what they write: each of the writes stands in the audit log with
// its author's process, so that a write by one who no longer leads cannot hide.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const program = fileURLToPath(new URL('../support/kubernetes/contender.ts', import.meta.url));
const lease = '/apis/coordination.k8s.io/v1/namespaces/sluice-system/leases/sluice-operator';
/** Of contender.ts. */
const LEASE_MS = 2_000;

interface Contender {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

describe.skipIf(missing !== undefined)(`leader election${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;
  let account: OperatorAccount;
  const running = new Set<Contender>();

  beforeAll(async () => {
    plane = await ControlPlane.start();
    account = await createOperatorAccount(plane);
  });
  afterEach(async () => {
    for (const { child, ended } of running) {
      child.kill('SIGKILL');
      await ended;
    }
    running.clear();
    await plane.client().delete(lease);
  });
  afterAll(() => plane.stop());

  /** @param identity in the lease, and the name of what it writes */
  function contend(identity: string): Contender {
    const child = spawn(process.execPath, [program, account.kubeconfig, identity, identity], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const contender = { child, said: () => text, ended };
    running.add(contender);
    return contender;
  }

  const holder = async (): Promise<string | undefined> => (await plane.client().get(lease)).body.spec?.holderIdentity;
  /** When an object was written, in milliseconds of the API server's clock. */
  const writesOf = (name: string): readonly number[] =>
    readFileSync(plane.auditLog, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`/configmaps/${name}?`))
      .map((line) => Date.parse(JSON.parse(line).requestReceivedTimestamp));

  it('has one leader, and another one at once when that gives the lease up', async () => {
    const first = contend('stops-first');
    await waitFor(() => first.said() === 'leading\n');
    const second = contend('stops-second');
    await waitFor(() => writesOf('stops-first').length > 50);
    // By now the other one has asked several times.
    await waitFor(() => readFileSync(plane.auditLog, 'utf8').split(lease).length > 20);
    expect(second.said()).toBe('');
    const begin = performance.now();
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await waitFor(() => second.said() === 'leading\n');
    expect(performance.now() - begin).toBeLessThan(LEASE_MS);
    expect(first.said()).toBe('leading\nstanding by\n');
    expect((await plane.client().get(lease)).body.spec).toMatchObject({
      holderIdentity: 'stops-second',
      leaseTransitions: 1,
    });
  });

  it('has another leader when the lease of one that was killed has run out, and not before', async () => {
    const first = contend('dies-first');
    await waitFor(() => writesOf('dies-first').length > 10);
    const second = contend('dies-second');
    await waitFor(async () => (await holder()) === 'dies-first');
    first.child.kill('SIGKILL');
    await first.ended;
    await waitFor(() => writesOf('dies-second').length > 10);
    expect(second.said()).toBe('leading\n');
    const [begin = 0] = writesOf('dies-second');
    expect(begin - (writesOf('dies-first').at(-1) ?? 0)).toBeGreaterThan(LEASE_MS - 500);
  });

  it('lets one that was stopped for longer than the lease write nothing when it goes on', async () => {
    const first = contend('hangs-first');
    await waitFor(() => writesOf('hangs-first').length > 50);
    const second = contend('hangs-second');
    // It writes some two hundred times a second: wherever it is stopped, a write is near.
    first.child.kill('SIGSTOP');
    await waitFor(() => writesOf('hangs-second').length > 20);
    const stoppedAt = writesOf('hangs-first').length;
    first.child.kill('SIGCONT');
    await waitFor(() => first.said() === 'leading\nstanding by\n');
    expect(await holder()).toBe('hangs-second');
    // It stands by, and leads again when it is its turn.
    second.child.kill('SIGTERM');
    await second.ended;
    const before = writesOf('hangs-second').at(-1) ?? 0;
    await waitFor(() => first.said() === 'leading\nstanding by\nleading\n');
    await waitFor(() => writesOf('hangs-first').length > stoppedAt);
    const since = writesOf('hangs-first').slice(stoppedAt);
    expect(since.filter((at) => at < before)).toEqual([]);
  });

  it('ends the term of one whose lease another one has taken', async () => {
    const first = contend('cut-off');
    await waitFor(() => writesOf('cut-off').length > 10);
    // Somebody else has taken the lease, as while this one was away.
    const { body } = await plane.client().get(lease);
    const spec = { ...body.spec, holderIdentity: 'somebody-else', leaseDurationSeconds: 60 };
    let status = 0;
    while (status !== 200) {
      const { body: now } = await plane.client().get(lease);
      ({ status } = await plane.client().put(lease, { ...now, spec }));
    }
    await waitFor(() => first.said() === 'leading\nstanding by\n');
    expect(await holder()).toBe('somebody-else');
    expect(first.child.exitCode).toBe(null);
  });
});
