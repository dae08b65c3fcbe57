import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { inClusterAccess, inClusterNamespace, kubeconfigAccess } from '../../src/kubernetes/cluster-access.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-access-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function kubeconfig(user: object, cluster: object = {}): string {
  const config = {
    'current-context': 'here',
    contexts: [
      { name: 'there', context: { cluster: 'other', user: 'other' } },
      { name: 'here', context: { cluster: 'this', user: 'me' } },
    ],
    clusters: [{ name: 'this', cluster: { server: 'https://127.0.0.1:6443/', ...cluster } }],
    users: [{ name: 'me', user }],
  };
  return write('kubeconfig', stringify(config));
}

describe('access to the Kubernetes API', () => {
  it("of a pod is its account's, whose token is read anew", () => {
    write('ca.crt', 'authority');
    write('token', 'first\n');
    const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
    const access = inClusterAccess(env, folder);
    expect(access).toMatchObject({ url: 'https://10.96.0.1:443', certificateAuthority: 'authority' });
    expect(access.token()).toBe('first');
    write('token', 'second');
    expect(access.token()).toBe('second');
    expect(inClusterAccess({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder).url).toBe('https://[fd00::1]:443');
    write('namespace', 'sluice-system\n');
    expect(inClusterNamespace(folder)).toBe('sluice-system');
    expect(() => inClusterAccess({})).toThrow('no pod of Kubernetes');
  });

  it('is that of the current context of a kubeconfig', () => {
    write('ca.pem', 'authority');
    const byToken = kubeconfigAccess(kubeconfig({ token: 't' }, { 'certificate-authority': 'ca.pem' }));
    expect(byToken).toMatchObject({ url: 'https://127.0.0.1:6443', certificateAuthority: 'authority' });
    expect(byToken.token()).toBe('t');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const pair = { 'client-certificate-data': base64('certificate'), 'client-key-data': base64('key') };
    const byCertificate = kubeconfigAccess(kubeconfig(pair));
    expect(byCertificate).toMatchObject({ certificate: 'certificate', key: 'key' });
    expect(byCertificate.token()).toBe(undefined);
    write('renewed', 'from a file');
    expect(kubeconfigAccess(kubeconfig({ tokenFile: 'renewed' })).token()).toBe('from a file');
  });

  it.each<[string, () => string]>([
    ['cannot be read', () => join(folder, 'absent')],
    ['is no YAML', () => write('broken', 'a: [')],
    ['no current context that is whole', () => write('empty', '')],
    ['neither token, tokenFile nor client-certificate', () => kubeconfig({ exec: { command: 'aws' } })],
    ['no https:// URL', () => kubeconfig({ token: 't' }, { server: 'http://127.0.0.1:8080' })],
    ['insecure-skip-tls-verify', () => kubeconfig({ token: 't' }, { 'insecure-skip-tls-verify': true })],
  ])('is refused: %s', (why, file) => {
    expect(() => kubeconfigAccess(file())).toThrow(expect.objectContaining({ code: 'access-unusable' }));
    expect(() => kubeconfigAccess(file())).toThrow(why);
  });
});
