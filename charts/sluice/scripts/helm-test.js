// `helm test`, in a pod: the operator has read all kinds, and the API server takes a MiningPool, of which nothing stays.
import { readFileSync } from 'node:fs';

const { OPERATOR, NAMESPACE } = process.env;
const api = `https://kubernetes.default.svc/apis/mining.sluice.dev/v1alpha1/namespaces/${NAMESPACE}`;
const token = readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');
const answers = [
  ['the operator', fetch(`http://${OPERATOR}:9100/readyz`)],
  ['a MiningPool', dryRun('miningpools', miningPool())],
];
for (const [what, answer] of answers) {
  const response = await answer;
  if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  console.log(`${what}: ${response.status}`);
}

function dryRun(kind, body) {
  return fetch(`${api}/${kind}/helm-test?dryRun=All&fieldManager=helm-test&fieldValidation=Strict`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(body),
  });
}

function miningPool() {
  const storage = { ephemeral: true };
  return {
    apiVersion: 'mining.sluice.dev/v1alpha1',
    kind: 'MiningPool',
    metadata: { name: 'helm-test' },
    spec: {
      network: 'regtest',
      payout: { outputs: [{ descriptor: 'raw(51)' }] },
      nodes: [{ name: 'a', managed: { storage } }],
      bus: { mode: 'Managed', managed: { storage } },
      gateways: { listeners: [{ name: 'sv2', protocol: 'SV2', port: 3336 }] },
    },
  };
}
