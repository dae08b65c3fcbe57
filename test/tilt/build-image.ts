// What the Tiltfile has make an image, as `--builder`: named by EXPECTED_REF, and on the node when this ends.
import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { CONTAINERD_SOCKET } from '../support/kubernetes/node-settings.ts';
import { run } from '../support/run.ts';

const { IMAGE_BUILDS: socketPath, EXPECTED_REF: ref } = process.env;
if (socketPath === undefined || ref === undefined) throw new Error('this is for Tilt: npm run tilt');
const path = `/?ref=${encodeURIComponent(`docker.io/${ref}`)}`;
const answer = await new Promise<string>((resolve, reject) => {
  const asked = request({ socketPath, path, method: 'POST' }, async (response) => {
    const body = await text(response);
    if (response.statusCode === 200) resolve(body);
    else reject(new Error(body));
  });
  asked.once('error', reject).end();
});
await run('ctr', ['--address', CONTAINERD_SOCKET, '--namespace=k8s.io', 'images', 'import', answer]);
rmSync(answer);
