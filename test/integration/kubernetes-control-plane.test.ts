// The Kubernetes that the operator is tested on: real programs with real rules of access, on loopback, which no test leaves behind.
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = '/api/v1/namespaces/default';

describe.skipIf(missing !== undefined)(
  `a Kubernetes control plane${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    let plane: ControlPlane;

    beforeAll(async () => {
      plane = await ControlPlane.start();
    });
    afterAll(() => plane.stop());

    it('is of the version that it is built from, for client and server', async () => {
      const version = JSON.parse(await plane.kubectl('version', '--output=json'));
      const modules = readFileSync(new URL('../support/kubernetes/go.mod', import.meta.url), 'utf8');
      const pinned = /k8s\.io\/kubernetes (v\S+)/.exec(modules)?.[1];
      expect(pinned).toMatch(/^v1\.\d+\.\d+$/);
      expect([version.clientVersion.gitVersion, version.serverVersion.gitVersion]).toEqual([pinned, pinned]);
    });

    it('lets a ServiceAccount do what its role says, and nothing else', async () => {
      const admin = plane.client();
      const tokenRequest = await admin.post(`${namespace}/serviceaccounts/default/token`, { spec: {} });
      expect(tokenRequest.status).toBe(201);
      const account = plane.client(tokenRequest.body.status.token);
      expect((await account.get(`${namespace}/configmaps`)).status).toBe(403);
      const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' };
      const subjects = [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }];
      const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
      expect((await admin.post(`${rbac}/roles`, { metadata: { name: 'reader' }, rules })).status).toBe(201);
      const binding = { metadata: { name: 'reader' }, roleRef, subjects };
      expect((await admin.post(`${rbac}/rolebindings`, binding)).status).toBe(201);
      await waitFor(async () => (await account.get(`${namespace}/configmaps`)).status === 200);
      expect((await account.get(`${namespace}/secrets`)).status).toBe(403);
    });

    it('makes the pods of a ReplicaSet, and says why none of them runs', async () => {
      const labels = { app: 'waits' };
      const containers = [{ name: 'pause', image: 'pause' }];
      const template = { metadata: { labels }, spec: { containers } };
      const set = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: { name: 'waits' },
        spec: { replicas: 2, selector: { matchLabels: labels }, template },
      };
      const client = plane.client();
      const applied = await client.apply('/apis/apps/v1/namespaces/default/replicasets/waits', set);
      expect(applied.status).toBe(201);
      const reasons = async () => {
        const pods = (await client.get(`${namespace}/pods?labelSelector=app%3Dwaits`)).body.items;
        return pods.map((pod: { status: { conditions?: { reason: string }[] } }) => pod.status.conditions?.[0]?.reason);
      };
      await waitFor(async () => (await reasons()).filter((reason: string) => reason === 'Unschedulable').length === 2);
    });

    it('tells every request in its audit log', async () => {
      await plane.client().get(`${namespace}/configmaps/asked-for-by-this-test`);
      const entries = readFileSync(plane.auditLog, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const own = entries.filter(({ objectRef }) => objectRef?.name === 'asked-for-by-this-test');
      expect(own.map(({ verb, user, responseStatus }) => [verb, user.username, responseStatus.code])).toEqual([
        ['get', 'admin', 404],
      ]);
    });

    it.runIf(process.platform === 'linux')('listens on one port of loopback alone', () => {
      expect(plane.pids).toHaveLength(4);
      const port = Number(new URL(plane.url).port).toString(16).toUpperCase().padStart(4, '0');
      expect(plane.pids.flatMap(listeningAddresses)).toEqual([`0100007F:${port}`]);
    });

    it('is gone with the process that started it, however that ended', async () => {
      const support = fileURLToPath(new URL('../support/kubernetes/control-plane.ts', import.meta.url));
      const script = `
      import { ControlPlane } from ${JSON.stringify(support)};
      const { pids, directory } = await ControlPlane.start();
      process.stdout.write(JSON.stringify({ pids, directory }));
      setInterval(() => {}, 1_000);`;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [text] = (await parent.stdout.take(1).toArray()) as Buffer[];
      const { pids, directory } = JSON.parse(String(text)) as { pids: number[]; directory: string };
      expect(pids.map(isAlive)).toEqual([true, true, true, true]);
      parent.kill('SIGKILL');
      await waitFor(() => !pids.some(isAlive));
      rmSync(directory, { recursive: true });
    });

    it('leaves no process and no folder when it is stopped', async () => {
      const other = await ControlPlane.start();
      const { pids, directory } = other;
      await other.stop();
      expect(pids.map(isAlive)).toEqual([false, false, false, false]);
      expect(existsSync(directory)).toBe(false);
    });
  },
);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Local addresses of a process's TCP sockets that listen, as the kernel writes them [proc_pid_net(5)]. */
function listeningAddresses(pid: number): string[] {
  const LISTEN = '0A';
  const sockets = new Set(globSync(`/proc/${pid}/fd/*`).map((file) => readlinkSync(file)));
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === LISTEN && sockets.has(`socket:[${inode}]`))
      .map(([, local = '']) => local),
  );
}
