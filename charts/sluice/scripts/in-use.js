// Before an uninstall, in a pod: fails while there is a resource that nobody would let go of afterwards.
import { readFileSync } from 'node:fs';

const api = 'https://kubernetes.default.svc/apis/mining.sluice.dev/v1alpha1';
const token = readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');
const found = [];
for (const kind of ['miningpools', 'proxyfleets']) {
  const response = await fetch(`${api}/${kind}`, { headers: { authorization: `Bearer ${token}` } });
  // Without a definition there is none.
  if (response.status === 404) continue;
  if (!response.ok) throw new Error(`${kind}: ${response.status} ${await response.text()}`);
  const { items } = await response.json();
  found.push(...items.map(({ metadata }) => `${kind}/${metadata.name} in ${metadata.namespace}`));
}
if (found.length > 0) {
  console.error(`In use: ${found.join(', ')}. Delete them first, or set uninstall.force.`);
  process.exitCode = 1;
}
