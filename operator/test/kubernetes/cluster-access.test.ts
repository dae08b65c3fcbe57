import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { inClusterAccess, inClusterNamespace, kubeconfigAccess } from '../../src/kubernetes/cluster-access.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-access-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function kubeconfig(user: object, cluster: object = {}): string {
  const config = {
    'current-context': 'here',
    contexts: [
      { name: 'there', context: { cluster: 'other', user: 'other' } },
      { name: 'nowhere', context: {} },
      { name: 'here', context: { cluster: 'this', user: 'me' } },
    ],
    clusters: [{ name: 'this', cluster: { server: 'https://127.0.0.1:6443/', ...cluster } }],
    users: [{ name: 'other' }, { name: 'me', user }],
  };
  return write('kubeconfig', stringify(config));
}

/** A program that hands out the credentials, and notes each time that it is asked. */
function plugin(status: object): object {
  const answer = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });
  const command = write('plugin', `#!/bin/sh\necho asked >> '${join(folder, 'asked')}'\necho '${answer}'\n`);
  chmodSync(command, 0o700);
  write('asked', '');
  return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' } };
}
const timesAsked = () => readFileSync(join(folder, 'asked'), 'utf8').split('\n').length - 1;

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('access to the Kubernetes API', () => {
  it("of a pod is its account's, whose token is read anew each minute", async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const account = 'var/run/secrets/kubernetes.io/serviceaccount';
    mkdirSync(join(folder, account), { recursive: true });
    write(`${account}/ca.crt`, 'authority');
    write(`${account}/token`, 'first\n');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
    const access = inClusterAccess(folder);
    expect(access.url).toBe('https://10.96.0.1:443');
    expect(await access.credentials()).toEqual({
      ca: Buffer.from('authority'),
      headers: { authorization: 'Bearer first' },
    });
    write(`${account}/token`, 'second');
    write(`${account}/ca.crt`, 'next authority');
    vi.advanceTimersByTime(61_000);
    expect(await access.credentials()).toEqual({
      ca: Buffer.from('next authority'),
      headers: { authorization: 'Bearer second' },
    });
    vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1');
    expect(inClusterAccess(folder).url).toBe('https://[fd00::1]:443');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '8080');
    expect(() => inClusterAccess(folder)).toThrow('no https:// URL');
    write(`${account}/namespace`, 'sluice-system\n');
    expect(inClusterNamespace(folder)).toBe('sluice-system');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    expect(() => inClusterAccess(folder)).toThrow('no pod of Kubernetes');
  });

  it('is that of another context where one is named', () => {
    const file = kubeconfig({ token: 't' });
    expect(kubeconfigAccess(file)).toMatchObject({ url: 'https://127.0.0.1:6443', namespace: 'default' });
    const both = write('both', readFileSync(file, 'utf8').replace('user: me', 'user: me\n      namespace: mining'));
    expect(kubeconfigAccess(both, 'here').namespace).toBe('mining');
    expect(() => kubeconfigAccess(file, 'nowhere')).toThrow(`${file}, context nowhere has no current context`);
  });

  it('is that of the current context of a kubeconfig, by token', async () => {
    write('ca.pem', 'authority');
    const cluster = { 'certificate-authority': 'ca.pem', 'tls-server-name': 'kubernetes' };
    const access = kubeconfigAccess(kubeconfig({ token: 't', as: 'somebody' }, cluster));
    expect(access.url).toBe('https://127.0.0.1:6443');
    expect(await access.credentials()).toEqual({
      ...{ ca: Buffer.from('authority'), servername: 'kubernetes' },
      headers: { authorization: 'Bearer t', 'Impersonate-User': 'somebody' },
    });
    write('renewed', 'from a file\n');
    const byFile = kubeconfigAccess(kubeconfig({ tokenFile: 'renewed', token: 'is not asked for' }));
    expect(await byFile.credentials()).toEqual({ headers: { authorization: 'Bearer from a file' } });
  });

  it('is by certificate', async () => {
    const pair = { 'client-certificate-data': base64('certificate'), 'client-key-data': base64('key') };
    expect(await kubeconfigAccess(kubeconfig(pair)).credentials()).toEqual({
      ...{ cert: Buffer.from('certificate'), key: Buffer.from('key') },
      headers: {},
    });
    write('client.pem', 'certificate of a file');
    const byFile = kubeconfigAccess(kubeconfig({ ...pair, 'client-certificate': 'client.pem' }));
    expect(await byFile.credentials()).toMatchObject({ cert: Buffer.from('certificate of a file') });
  });

  it('is what a program hands out, which is run once for all who wait, and again when that has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const status = { token: 'handed out', clientCertificateData: 'certificate', clientKeyData: 'key' };
    const expirationTimestamp = new Date(Date.now() + 60_000).toISOString();
    const access = kubeconfigAccess(kubeconfig(plugin({ ...status, expirationTimestamp })));
    const found = await Promise.all(Array.from({ length: 5 }, () => access.credentials()));
    const credentials = { cert: 'certificate', key: 'key', headers: { authorization: 'Bearer handed out' } };
    expect(found).toEqual(Array(5).fill(credentials));
    expect(timesAsked()).toBe(1);
    await access.credentials();
    expect(timesAsked()).toBe(1);
    vi.advanceTimersByTime(60_001);
    expect(await access.credentials()).toEqual(credentials);
    expect(timesAsked()).toBe(2);
    // What does not say when it ends is good for as long as the process lives.
    const forEver = kubeconfigAccess(kubeconfig(plugin(status)));
    await forEver.credentials();
    await forEver.credentials();
    expect(timesAsked()).toBe(1);
  });

  it('fails by a program that is not there, and is asked for again', async () => {
    const command = join(folder, 'absent');
    const access = kubeconfigAccess(kubeconfig({ exec: { command } }));
    const refused = { code: 'access-unusable', message: expect.stringContaining(`${command} ENOENT`) };
    await expect(access.credentials()).rejects.toMatchObject(refused);
    await expect(access.credentials()).rejects.toMatchObject(refused);
  });

  it.each<[string, () => string]>([
    ['cannot be read', () => join(folder, 'absent')],
    ['is no kubeconfig', () => write('broken', 'a: [')],
    ['is no kubeconfig', () => write('broken', 'users: {}')],
    ['no current context that is whole', () => write('empty', '')],
    ['no token, certificate or program', () => kubeconfig({})],
    ['absent.pem cannot be read', () => kubeconfig({ token: 't' }, { 'certificate-authority': 'absent.pem' })],
    ['absent-token cannot be read', () => kubeconfig({ tokenFile: 'absent-token' })],
    ['no https:// URL', () => kubeconfig({ token: 't' }, { server: 'http://127.0.0.1:8080' })],
    ['insecure-skip-tls-verify', () => kubeconfig({ token: 't' }, { 'insecure-skip-tls-verify': true })],
  ])('is refused: %s', (why, file) => {
    expect(() => kubeconfigAccess(file())).toThrow(expect.objectContaining({ code: 'access-unusable' }));
    expect(() => kubeconfigAccess(file())).toThrow(why);
  });
});
