// The Tiltfile on a real node of Kubernetes, by Tilt itself: `npm run tilt -- ci`, or `npm run tilt -- up --stream`, with whatever Tilt takes besides;
// what the Tiltfile takes stands behind another `--`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { kubernetesPrograms } from '../support/kubernetes/binaries.ts';
import { whyNoClusterNode } from '../support/kubernetes/node-packages.ts';
import { withClusterNode } from '../support/kubernetes/with-cluster-node.ts';
import { serveImageBuilds } from './image-builds.ts';

const why = await whyNoClusterNode();
if (why !== undefined) throw new Error(why);
await kubernetesPrograms(['tilt']);
process.exitCode = await withClusterNode(async ([program = '', ...enter], env) => {
  const socket = join(env.TMPDIR as string, 'images.sock');
  const builds = await serveImageBuilds(socket);
  const args = [...enter, process.execPath, join(import.meta.dirname, 'on-node.ts'), ...process.argv.slice(2)];
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env, IMAGE_BUILDS: socket } });
  // Tilt has it as well, and ends in order; the node ends after that.
  process.on('SIGINT', () => {});
  const [code] = await once(child, 'exit');
  builds.close();
  return code ?? 1;
});
