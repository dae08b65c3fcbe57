// Two processes stand for one lease of a real API server. Who leads is told by what they write: each of the writes stands in the audit log with
// its author's process, so that a write by one who no longer leads cannot hide.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const program = fileURLToPath(new URL('../support/kubernetes/contender.ts', import.meta.url));
const lease = '/apis/coordination.k8s.io/v1/namespaces/sluice-system/leases/sluice-operator';
const LEASE_MS = 4_000;
/** Of the clock that a lease is written by, and of the one that it runs out by, which are not the same. */
const CLOCK_STEP_MS = 10;
/** Longer than a busy machine takes to give a lease up and to take one. */
const LONG_LEASE_MS = 20_000;

/** In milliseconds of this machine's clock. */
interface Write {
  /** When its author asked whether it may. */
  readonly askedAt: number;
  /** When the API server had received it. */
  readonly at: number;
}

interface Contender {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

describe.skipIf(missing !== undefined)(`leader election${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;
  let account: OperatorAccount;
  const running = new Set<Contender>();
  /** How long the audit log was when the test began. */
  let logBegin = 0;

  beforeAll(async () => {
    plane = await ControlPlane.start();
    account = await createOperatorAccount(plane);
  });
  beforeEach(() => {
    logBegin = readFileSync(plane.auditLog).length;
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
  function contend(identity: string, leaseMs = LEASE_MS): Contender {
    const child = spawn(process.execPath, [program, account.kubeconfig, identity, identity, String(leaseMs)], {
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

  const specOfLease = async () => (await plane.client().get(lease)).body.spec;
  const holder = async (): Promise<string | undefined> => (await specOfLease())?.holderIdentity;
  const auditLog = () => readFileSync(plane.auditLog).subarray(logBegin).toString();
  /** Of an object, in the order in which they were answered. */
  const writesOf = (name: string): readonly Write[] =>
    auditLog()
      .split('\n')
      // What stands behind the last one is a line that is being written.
      .slice(0, -1)
      .filter((line) => line.includes(`/configmaps/${name}?`))
      .map((line) => {
        const { requestURI, requestReceivedTimestamp } = JSON.parse(line);
        const askedAt = Number(new URL(requestURI, plane.url).searchParams.get('askedAt'));
        return { askedAt, at: Date.parse(requestReceivedTimestamp) };
      });

  it('has one leader, and another one at once when that gives the lease up', async () => {
    const first = contend('stops-first', LONG_LEASE_MS);
    await waitFor(() => first.said() === 'leading\n');
    const second = contend('stops-second', LONG_LEASE_MS);
    await waitFor(() => writesOf('stops-first').length > 50);
    // By now the other one has asked several times.
    await waitFor(() => auditLog().split(lease).length > 20);
    expect(second.said()).toBe('');
    const begin = performance.now();
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await waitFor(() => second.said() === 'leading\n');
    expect(performance.now() - begin).toBeLessThan(LONG_LEASE_MS / 2);
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
    const { renewTime } = await specOfLease();
    first.child.kill('SIGKILL');
    await first.ended;
    await waitFor(() => writesOf('dies-second').length > 10);
    expect(second.said()).toBe('leading\n');
    const [begin] = writesOf('dies-second');
    expect((begin?.at ?? 0) - Date.parse(renewTime)).toBeGreaterThan(LEASE_MS - CLOCK_STEP_MS);
  });

  it('lets one that was stopped for longer than the lease write nothing when it goes on', async () => {
    const first = contend('hangs-first');
    await waitFor(() => writesOf('hangs-first').length > 50);
    const second = contend('hangs-second');
    // It writes some two hundred times a second: wherever it is stopped, a write is near.
    first.child.kill('SIGSTOP');
    await waitFor(() => writesOf('hangs-second').length > 20);
    const stoppedAt = writesOf('hangs-first').length;
    const goesOnAt = Date.now();
    first.child.kill('SIGCONT');
    await waitFor(() => first.said() === 'leading\nstanding by\n');
    expect(await holder()).toBe('hangs-second');
    // It stands by, and leads again when it is its turn.
    second.child.kill('SIGTERM');
    await second.ended;
    const { askedAt: lastOfSecond = 0 } = writesOf('hangs-second').at(-1) ?? {};
    await waitFor(() => first.said() === 'leading\nstanding by\nleading\n');
    await waitFor(() => writesOf('hangs-first').some(({ askedAt }) => askedAt > lastOfSecond));
    const since = writesOf('hangs-first').slice(stoppedAt);
    expect(since.filter(({ askedAt }) => askedAt >= goesOnAt && askedAt <= lastOfSecond)).toEqual([]);
    // Nothing can call back the one that had asked when the process was stopped, and had not been sent.
    expect(since.filter(({ askedAt }) => askedAt < goesOnAt).length).toBeLessThanOrEqual(1);
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
