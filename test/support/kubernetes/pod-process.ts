import { run } from '../run.ts';
import { CONTAINERD_SOCKET } from './node-settings.ts';

/** The first process of each container on the node that the tests are inside of, by its `containerID` in the status of its pod. */
export async function containerPids(): Promise<ReadonlyMap<string, number>> {
  const table = await run('ctr', ['--address', CONTAINERD_SOCKET, '--namespace=k8s.io', 'tasks', 'list']);
  const rows = table.trimEnd().split('\n').slice(1);
  return new Map(
    rows.map((row) => {
      const [container, pid] = row.split(/\s+/);
      return [`containerd://${container}`, Number(pid)];
    }),
  );
}
