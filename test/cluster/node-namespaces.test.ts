// What is left of a node whose holder dies without a word: nothing. Shown inside of the node that the other tests run on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';

const holder = `
import { NodeNamespaces } from ${JSON.stringify(import.meta.resolve('../support/kubernetes/node-namespaces.ts'))};
const { directory, enter } = await NodeNamespaces.start();
console.log(JSON.stringify({ directory, enter }));
setInterval(() => {}, 1_000);`;

it('a holder that is killed leaves no process, folder or control group', async () => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', holder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const { directory, enter } = JSON.parse(line.toString());
  const pid = enter.find((flag: string) => flag.startsWith('--target=')).replace('--target=', '');
  const groups = () => globSync(`/sys/fs/cgroup/*/${basename(directory)}`);
  expect([existsSync(directory), existsSync(`/proc/${pid}`), groups().length > 0]).toEqual([true, true, true]);

  child.kill('SIGKILL');
  await waitFor(() => !existsSync(directory));
  expect([existsSync(`/proc/${pid}`), groups()]).toEqual([false, []]);
});
