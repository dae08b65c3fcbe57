// The image on a real node: its user, its root that cannot be written, and everything that it was made for in it.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { restrictedContainer, restrictedPod } from '../../operator/src/desired/pod-settings.ts';
import { SLUICE_IMAGE } from '../support/kubernetes/images.ts';
import { Kubectl } from '../support/kubernetes/kubectl.ts';

const namespace = 'image';
const inNamespace = `--namespace=${namespace}`;
const services = [
  ...['template-provider', 'job-distributor', 'channel-manager', 'connection-gateway', 'share-validator'],
  ...['proxy', 'operator'],
];
const kubectl = new Kubectl(inject('kubeconfig'));

/** Tells what a container finds, as JSON. */
const lookAround = `
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const fault = (work) => { try { work(); return 'none'; } catch ({ code }) { return code; } };
console.log(JSON.stringify({
  user: process.getuid(),
  write: ['/written', '/app/written', '/app/cache/written'].map((file) => fault(() => writeFileSync(file, ''))),
  curve: readFileSync(process.env.SLUICE_SECP256K1_WASM).subarray(0, 4).toString('latin1'),
  unwanted: ['/usr/local/bin/npm', '/app/node_modules/vitest', '/app/node_modules/node', '/app/test/support'].filter(existsSync),
}));`;

const container = (name: string, args: readonly string[], command?: readonly string[]) => ({
  name,
  image: SLUICE_IMAGE,
  imagePullPolicy: 'Never',
  args,
  ...(command === undefined ? {} : { command }),
  ...restrictedContainer,
});

beforeAll(async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kubectl.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
  const containers = [
    container('version', ['--version']),
    container('look-around', ['--eval', lookAround], ['node']),
    ...services.map((name) => container(name, [name, '--help'])),
  ];
  const spec = { ...restrictedPod, restartPolicy: 'Never', containers };
  await kubectl.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'look', namespace }, spec });
  await kubectl.run('wait', inNamespace, 'pod/look', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=120s');
});
afterAll(() => kubectl.run('delete', 'namespace', namespace, '--wait=false'));

const logOf = (name: string) => kubectl.run('logs', inNamespace, 'look', `--container=${name}`);

it('is of the version of the project, on the Node that the project pins', async () => {
  const { version, dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(await logOf('version')).toBe(`sluice ${version} (Node ${dependencies.node})\n`);
});

it('runs as a user without rights, on a root that cannot be written, with nothing but what it needs', async () => {
  expect(JSON.parse(await logOf('look-around'))).toEqual({
    user: 1000,
    write: ['EROFS', 'EROFS', 'EROFS'],
    curve: '\0asm',
    unwanted: [],
  });
});

it.each(services)('has %s', async (name) => {
  expect(await logOf(name)).toContain(`Usage: sluice ${name} [flags]`);
});
