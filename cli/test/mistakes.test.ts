// Every setting of every command with a bad value in each of the places where it can stand, and what cannot hold between settings: one line
// that names the place and what is allowed, and exit code 2. Run in this process: a mistake ends a command before it starts anything.
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeAuthoritySecretKey } from '@sluice/noise/authority-key';
import { type NamedSetting, namedSettings } from '@sluice/runtime/config';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeTlsPair } from '../../test/support/tls-certificate.ts';
import { commandSettings } from '../src/command-settings.ts';
import { commands } from '../src/commands.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-mistakes-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const key = file('authority.key', encodeAuthoritySecretKey(new Uint8Array(32).fill(7)));
const yaml = (content: string) => file('pool.yaml', content);

const output = { out: '', err: '' };
beforeEach(() => {
  Object.assign(output, { out: '', err: '' });
  const keep = (name: keyof typeof output) => (text: unknown) => {
    output[name] += text;
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep('out'));
  vi.spyOn(process.stderr, 'write').mockImplementation(keep('err'));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The lines of a command that has to end with a mistake. */
async function linesOf(command: string, argv: readonly string[]): Promise<readonly string[]> {
  output.err = '';
  const { main } = await commands[command]!.load();
  expect([command, argv, await main(argv, commandSettings)]).toEqual([command, argv, 2]);
  expect(output.out).toBe('');
  const lines = output.err.trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(new RegExp(`^sluice ${command}: .+: .+; allowed: .+$`));
  return lines.map((line) => line.slice(`sluice ${command}: `.length));
}

/** What each command cannot do without. */
const needed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'template-provider': { simulatedChain: 'true' },
  'job-distributor': { payout: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' },
  'connection-gateway': { authoritySecretFile: key },
  proxy: { upstream: 'stratum2+tcp://127.0.0.1:3333', identity: 'farm' },
  operator: { image: 'registry.example/sluice:1.2.3' },
  miner: { pool: 'stratum2+tcp://127.0.0.1:3333' },
};

/** Values that the type takes, and a rule does not. */
const refusedByRule: Readonly<Record<string, string>> = { payout: 'nonsense', file: '/dev/null/x' };
const badValues = ['no such value', '/dev/null/x', 'x'.repeat(300)];

function badValueOf({ name, setting: { type } }: NamedSetting): string {
  const refused = badValues.find((text) => {
    const value = type.parse(text);
    return value === undefined || type.fault?.(value) !== undefined;
  });
  const bad = refused ?? refusedByRule[name];
  if (bad === undefined) throw new Error(`${name}: nothing is refused`);
  return bad;
}

function neededWithout(command: string, name: string, settings: readonly NamedSetting[]): string[] {
  const others = Object.entries(needed[command] ?? {}).filter(([other]) => other !== name);
  return others.map(([other, value]) => `--${settings.find((setting) => setting.name === other)?.flag}=${value}`);
}

const tables = await commandSettings();

describe.each(Object.keys(commands))('sluice %s', (command) => {
  const settings = namedSettings(tables.get(command)!);

  it.each(settings)('refuses a bad --$flag', async (named) => {
    const { name, flag, env, otherEnv, setting } = named;
    const bad = badValueOf(named);
    const others = neededWithout(command, name, settings);

    const [byFlag] = await linesOf(command, [...others, `--${flag}=${bad}`]);
    expect(byFlag).toMatch(new RegExp(`^--${flag}: `));
    for (const variable of [env, ...otherEnv]) {
      vi.stubEnv(variable, bad);
      const [byVariable] = await linesOf(command, others);
      expect(byVariable).toMatch(new RegExp(`^${variable}: `));
      vi.unstubAllEnvs();
    }
    const config = yaml(`# ours\n${name}: ${JSON.stringify(bad)}\n`);
    const [byKey] = await linesOf(command, [...others, '--config', config]);
    expect(byKey).toContain(`${config}:2 ${name}: `);

    if (setting.secret === true) expect(byFlag).not.toContain(bad);
    if (setting.type.toggle === true) return;
    const [without] = await linesOf(command, [...others, `--${flag}`]);
    expect(without).toMatch(new RegExp(`^--${flag}: has no value; `));
  });

  it('refuses what it does not know', async () => {
    const others = neededWithout(command, '', settings);
    const config = yaml('nonsense: 1\n');
    vi.stubEnv('SLUICE_NONSENSE', '1');
    const lines = await linesOf(command, [...others, '--nonsense', 'x', '--config', config, '--config', config]);
    expect(lines.map((line) => line.split(': ')[0]).sort()).toEqual(
      ['--config', '--nonsense', 'SLUICE_NONSENSE', `${config}:1 nonsense`].sort(),
    );
    vi.unstubAllEnvs();
    await linesOf(command, [...others, 'nonsense']);
    await linesOf(command, [...others, '--help=yes']);
    await linesOf(command, [...others, '--config', join(directory, 'none.yaml')]);
    await linesOf(command, [...others, '--config', directory]);
    await linesOf(command, [...others, '--config', yaml('a: [1\n')]);
    await linesOf(command, [...others, '--config', yaml('- a\n')]);
    const [two] = await linesOf(command, [...others, '--config', yaml('---\n---\n')]);
    expect(two).not.toContain('YAML.');
  });

  it('takes no notice of what is for other commands, in the environment and the file', async () => {
    const foreign = [...tables].flatMap(([other, table]) => (other === command ? [] : namedSettings(table)));
    const own = new Set(settings.flatMap(({ name, env, otherEnv }) => [name, env, ...otherEnv]));
    const keys = new Set<string>();
    for (const { name, env } of foreign) {
      if (!own.has(env)) vi.stubEnv(env, 'x');
      if (!own.has(name)) keys.add(name);
    }
    const config = yaml([...keys].map((name) => `${name}: x\n`).join(''));
    expect(await linesOf(command, ['--config', config, '--nonsense'])).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/unknown (key|environment)/)]),
    );
  });
});

function folderWithOpenKey(): string {
  const folder = mkdtempSync(join(directory, 'data-'));
  const open = join(folder, 'authority.key');
  copyFileSync(key, open);
  chmodSync(open, 0o644);
  return folder;
}

const node = ['--bitcoind', 'http://127.0.0.1:8332'];
const address = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
const privateKey = 'KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn';
const pem = makeTlsPair();
const tls = { certificate: file('tls.crt', pem.certificate), key: file('tls.key', pem.key) };
const farm = ['proxy', '--identity', 'x', '--upstream', 'stratum2+tcp://h:1'];
const nobody = ['template-provider', '--simulated-chain'];

it.each<[words: readonly string[], place: RegExp, why: string]>([
  [['start', ...node], /^--payout, SLUICE_PAYOUT or payout in the file/, 'not set'],
  [['start', ...node, '--payout', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'], /^--payout/, 'not of mainnet'],
  [['start', ...node, '--payout', privateKey], /^--payout/, 'private key'],
  [['start', '--zmq', 'tcp://127.0.0.1:1'], /^--zmq/, 'no node'],
  [['start', '--zmq', 'tcp://h:99999'], /^--zmq/, 'not allowed'],
  [['start', '--data', '/proc/nope'], /^--data/, 'cannot be made'],
  [['start', '--data', key], /^--data/, 'not a folder'],
  [['start', '--data', folderWithOpenKey()], /^--data/, 'chmod 600'],
  [['start', '--data', '~nobody/x'], /^--data/, 'not allowed'],
  [['start', '--bitcoind', 'http://u:sekrit@h:1', '--cookie', key, '--payout', address], /^--cookie/, 'has a user'],
  [['start', '--bitcoind', 'http://h:1?cookie=nope', '--payout', address], /^--bitcoind/, 'cookie of node h:1'],
  [['start', '--bitcoind', 'http://u:sekrit@h:1?cooky=x'], /^--bitcoind/, '"cooky"'],
  [['start', '--bitcoind', 'http://u:sekrit@h:1?zmq=tcp://h:99999'], /^--bitcoind/, 'tcp://h:99999'],
  [['start', '--bitcoind', 'http://u:sekrit@h:1?cookie=x'], /^--bitcoind/, 'a user and a cookie'],
  [['start', '--bitcoind', 'http://u:sekrit@h:1', '--bitcoind', 'http://h:1/'], /^--bitcoind/, 'given twice'],
  [['start', '--listen', '192.0.2.1:3333'], /^--listen/, 'EADDRNOTAVAIL'],
  [['template-provider'], /^--bitcoind, SLUICE_BITCOIND or bitcoind in the file/, 'neither'],
  [[...nobody, ...node], /^--bitcoind/, 'so is --simulated-chain'],
  [[...nobody, '--simulated-nbits', '00000000'], /^--simulated-nbits/, 'not allowed'],
  [[...nobody, '--simulated-nbits', 'ff123456'], /^--simulated-nbits/, 'not allowed'],
  [[...nobody, '--template-directory', '/proc/nope'], /^--template-directory/, 'cannot be made'],
  [[...nobody, '--nats-user', 'me'], /^--nats-user/, 'without --nats-password-file'],
  [[...nobody, '--nats-password-file', key], /^--nats-password-file/, 'without --nats-user'],
  [[...nobody, '--nats-replicas', '2'], /^--nats-replicas/, '1, 3, 5'],
  [[...nobody, '--nats', 'http://u:sekrit@h:1'], /^--nats/, '…@h:1'],
  [[...nobody, '--nats', 'nats://u:sekrit@h:1'], /^--nats/, 'password'],
  [[...nobody, '--nats-ca-file', key], /^--nats-ca-file/, 'PEM'],
  [[...nobody, '--standalone'], /^--standalone/, '--template-listen'],
  [[...nobody, '--template-listen', ':0'], /^--template-listen/, '--certificate-directory'],
  [['job-distributor'], /^--payout, SLUICE_PAYOUT or payout in the file/, 'not set'],
  [['job-distributor', '--payout', privateKey], /^--payout/, 'private key'],
  [['job-distributor', '--payout', `${privateKey}=1`], /^--payout/, 'private key'],
  [['job-distributor', '--payout', 'raw(51)=0'], /^--payout/, 'the weight "0"'],
  [['job-distributor', '--payout', `${address}=-1`], /^--payout/, 'the weight "-1"'],
  [['job-distributor', '--payout='], /^--payout/, 'no address'],
  [['channel-manager', '--easiest-difficulty', '1e15', '--hardest-difficulty', '1'], /^--easiest-difficulty/, 'above'],
  [['channel-manager', '--hardest-difficulty', '1e-9'], /^--easiest-difficulty, SLUICE_EASIEST/, 'above'],
  [['channel-manager', '--accounts', join(directory, 'none')], /^--accounts/, 'ENOENT'],
  [['connection-gateway'], /^--authority-secret-file, SLUICE_AUTHORITY_SECRET_FILE or authority/, 'neither'],
  [['connection-gateway', '--authority-secret-file', file('open.key', 'x', 0o644)], /^--authority-s/, 'chmod 600'],
  [['connection-gateway', '--authority-secret-file', file('bad.key', 'x')], /^--authority-s/, 'damaged'],
  [['connection-gateway', '--certificate-directory', directory], /^--certificate-directory/, 'static-key'],
  [['proxy'], /^--upstream, SLUICE_UPSTREAM or upstream in the file/, 'not set'],
  [['proxy', '--upstream', 'stratum2+tcp://h:1'], /^--identity, SLUICE_IDENTITY or identity/, 'h:1 of --upstream'],
  [['proxy', '--identity', 'x', '--upstream', 'http://h:1'], /^--upstream/, 'not allowed'],
  [
    ['proxy', '--upstream', 'stratum2+tcp://h:1?identity=x,stratum2+tcp://h:1?identity=y'],
    /^--upstream/,
    'given twice',
  ],
  [['proxy', '--upstream', 'stratum2+tcp://h:1?identity=x', '--first-difficulty', '1e-6'], /^--first-diff/, 'easier'],
  [[...farm, '--listen-sv2', ':0'], /^--authority-secret-file, SLUICE_AUTHORITY/, 'neither is --certificate-directory'],
  [[...farm, '--tls-key-file', tls.key], /^--listen-tls, SLUICE_LISTEN_TLS/, 'but --tls-key-file is'],
  [[...farm, '--listen-tls', ':0'], /^--tls-certificate-file, SLUICE_TLS_CERT/, 'but --listen-tls is'],
  [[...farm, '--tls-certificate-file', key], /^--tls-certificate-file/, 'holds no certificate in PEM'],
  [[...farm, '--tls-key-file', tls.certificate], /^--tls-key-file/, 'holds no private key in PEM'],
  [[...farm, '--tls-key-file', file('open.pem', 'x', 0o644)], /^--tls-key-file/, 'chmod 600'],
  [['miner', '--pool', 'stratum2+tcp://h:1', '--extended', '--standard-jobs'], /^--extended/, 'so is --standard-jobs'],
  [['miner', '--pool', 'stratum2+tcp://h:1', '--gateway-label', 'x'], /^--gateway-label/, 'connection-gateway'],
  [['keys', '--show', '--file', join(directory, 'none.key')], /^--file/, 'ENOENT'],
  [['keys', '--file', key], /^--file/, 'exists already'],
  [['keys', '--file', '/proc/nope/x.key'], /^--file/, 'cannot be made'],
])('sluice %j names its place', async ([command = '', ...argv], place, why) => {
  const lines = await linesOf(command, argv);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(place);
  expect(lines[0]).toContain(why);
  expect(output.err).not.toContain('sekrit');
  expect(output.err).not.toContain(privateKey.slice(0, 8));
});

describe('addresses that are taken', () => {
  let server: Server;
  let taken: string;
  beforeEach(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => void server.close());

  it('are told all at once, each where it stands', async () => {
    vi.stubEnv('SLUICE_HEALTH', taken);
    const argv = ['--listen', taken, '--authority-secret-file', key];
    const lines = await linesOf('connection-gateway', argv);
    expect(lines.map((line) => line.split(': ')[0])).toEqual(['--listen', 'SLUICE_HEALTH']);
    for (const line of lines) expect(line).toContain(`cannot listen on ${taken}: EADDRINUSE`);
  });

  it('are not shared between two settings', async () => {
    server.close();
    const places = ['--health', taken, '--solution-listen', taken];
    const [line, ...more] = await linesOf('template-provider', ['--simulated-chain', ...places]);
    expect(line).toMatch(/^--(health|solution-listen): .*EADDRINUSE/);
    expect(more).toEqual([]);
  });
});
