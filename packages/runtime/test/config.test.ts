import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { helpText } from '../src/config/help.ts';
import { loadConfig } from '../src/config/load.ts';
import { nearestName } from '../src/config/nearest-name.ts';
import { decimal, integer, listenAddress, listOf, oneOf, path, text, toggle, url } from '../src/config/value-types.ts';
import { defineConfig } from '../src/config.ts';

const settings = defineConfig({
  listen: { type: listenAddress(), default: { host: '127.0.0.1', port: 3333 }, doc: 'Where miners connect.' },
  maxConnections: { type: integer({ min: 1, max: 1_000_000 }), default: 20_000, doc: 'Most connections.' },
  sharesPerMinute: { type: decimal({ min: 0.1, max: 600 }), default: 6, doc: 'Wanted share rate.' },
  network: { type: oneOf(['mainnet', 'regtest']), default: 'mainnet', doc: 'Chain.' },
  payout: { type: text({ allowed: 'an address' }), doc: 'Where blocks pay to.' },
  node: { type: listOf(url(['http', 'https'])), default: [], doc: 'Nodes.', secret: true, env: 'BITCOIND_URL' },
  keyFile: { type: path(), optional: true, doc: 'Key.' },
  coinbaseOnly: { type: toggle(), default: false, doc: 'No transactions.' },
});

const load = (argv: string[], env: Record<string, string> = {}) =>
  loadConfig(settings, { argv: ['--payout', 'addr', ...argv], env });

function mistakes(argv: string[], env: Record<string, string> = {}): readonly string[] {
  const loaded = load(argv, env);
  if (loaded.kind !== 'mistakes') throw new Error(`expected mistakes, got ${loaded.kind}`);
  return loaded.mistakes;
}

function values(argv: string[], env: Record<string, string> = {}) {
  const loaded = load(argv, env);
  if (loaded.kind !== 'config') throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

function file(content: string): string {
  const name = join(mkdtempSync(join(tmpdir(), 'sluice-config-')), 'pool.yaml');
  writeFileSync(name, content);
  return name;
}

describe('values', () => {
  it('come from flag, then environment, then file, then default', () => {
    const config = file('maxConnections: 3\nsharesPerMinute: 3\nnetwork: regtest\n');
    const found = values(['--config', config, '--max-connections', '1'], {
      SLUICE_MAX_CONNECTIONS: '2',
      SLUICE_SHARES_PER_MINUTE: '2.5',
    });
    expect(found).toMatchObject({ maxConnections: 1, sharesPerMinute: 2.5, network: 'regtest' });
    expect(found.listen).toEqual({ host: '127.0.0.1', port: 3333 });
    expect(found.keyFile).toBeUndefined();
    expect(Object.isFrozen(found)).toBe(true);
  });

  it('of switches are bare, negated or spelled out', () => {
    expect(values(['--coinbase-only']).coinbaseOnly).toBe(true);
    expect(values(['--no-coinbase-only']).coinbaseOnly).toBe(false);
    expect(values(['--coinbase-only=false']).coinbaseOnly).toBe(false);
    expect(values([], { SLUICE_COINBASE_ONLY: 'yes' }).coinbaseOnly).toBe(true);
  });

  it('of lists repeat, are separated by commas, or stand in a YAML list', () => {
    const hosts = (config: ReturnType<typeof values>) => config.node.map(({ host }) => host);
    expect(hosts(values(['--node', 'http://a:1', '--node=http://b:2,http://c:3']))).toEqual(['a:1', 'b:2', 'c:3']);
    expect(hosts(values([], { BITCOIND_URL: 'http://a:1' }))).toEqual(['a:1']);
    expect(hosts(values(['--config', file('node:\n  - http://a:1\n  - http://b:2\n')]))).toEqual(['a:1', 'b:2']);
  });

  it('of numbers may be grouped', () => {
    expect(values(['--max-connections', '1_000_000', '--shares-per-minute', '2.5e1'])).toMatchObject({
      maxConnections: 1_000_000,
      sharesPerMinute: 25,
    });
    expect(mistakes(['--max-connections', '0x10'])).toHaveLength(1);
  });

  it('of addresses know IPv6 and the short form', () => {
    expect(values(['--listen', '[::1]:0']).listen).toEqual({ host: '::1', port: 0 });
    expect(values(['--listen', ':3333']).listen).toEqual({ host: '0.0.0.0', port: 3333 });
  });

  it('keep the digits of a YAML scalar', () => {
    const odd = defineConfig({ tag: { type: text({ allowed: 'any text' }), doc: '' } });
    const loaded = loadConfig(odd, { argv: ['--config', file('tag: 0012\n')], env: {} });
    expect(loaded).toMatchObject({ kind: 'config', config: { tag: '0012' } });
  });
});

describe('mistakes', () => {
  it('name a wrong flag value and what is allowed', () => {
    expect(mistakes(['--listen', '0.0.0.0:99999'])).toEqual([
      '--listen: "0.0.0.0:99999" is not allowed; allowed: host:port, an address of this machine and a free port from 1 to 65535, or 0 for any',
    ]);
  });

  it('name a wrong variable', () => {
    expect(mistakes([], { SLUICE_MAX_CONNECTIONS: 'many' })).toEqual([
      'SLUICE_MAX_CONNECTIONS: "many" is not allowed; allowed: a whole number from 1 to 1_000_000',
    ]);
  });

  it('name the line of a file', () => {
    const config = file('# ours\n\nmaxConnections: 0\nnetwork: [a]\nlisten: 127.0.0.1:1\n');
    expect(mistakes(['--config', config])).toEqual([
      `${config}:4 network: wrong shape; allowed: mainnet, regtest`,
      `${config}:3 maxConnections: "0" is not allowed; allowed: a whole number from 1 to 1_000_000`,
    ]);
  });

  it('suggest the nearest name of a flag, a key and a variable', () => {
    expect(mistakes(['--lisetn', 'x:1'])).toEqual([
      '--lisetn: unknown flag; did you mean --listen?; allowed: what --help lists',
    ]);
    expect(mistakes([], { SLUICE_MAX_CONECTIONS: '1' })).toEqual([
      'SLUICE_MAX_CONECTIONS: unknown environment variable; did you mean SLUICE_MAX_CONNECTIONS?; allowed: what --help lists',
    ]);
    const config = file('netwrok: regtest\n');
    expect(mistakes(['--config', config])).toEqual([
      `${config}:1 netwrok: unknown key; did you mean network?; allowed: what --help lists`,
    ]);
    expect(mistakes(['--something-else-entirely'])).toEqual([
      '--something-else-entirely: unknown flag; allowed: what --help lists',
    ]);
  });

  it('are one line for a required setting, or for its misspelling', () => {
    const missing = loadConfig(settings, { argv: [], env: {} });
    expect(missing).toEqual({
      kind: 'mistakes',
      mistakes: ['--payout, SLUICE_PAYOUT or payout in the file: not set; allowed: an address'],
    });
    const misspelled = loadConfig(settings, { argv: ['--payuot', 'x'], env: {} });
    expect(misspelled).toEqual({
      kind: 'mistakes',
      mistakes: ['--payuot: unknown flag; did you mean --payout?; allowed: what --help lists'],
    });
  });

  it('never show a secret', () => {
    const lines = mistakes(['--node', 'ftp://user:hunter2@host'], {});
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('hunter2');
    expect(lines[0]).toContain('--node');
  });

  it('cover missing values, repeats and stray words', () => {
    expect(mistakes(['--listen'])).toEqual([
      '--listen: has no value; allowed: host:port, an address of this machine and a free port from 1 to 65535, or 0 for any',
    ]);
    expect(mistakes(['--network', 'regtest', '--network', 'mainnet'])).toEqual([
      '--network: given twice; allowed: once',
    ]);
    expect(mistakes(['start'])).toEqual(['start: not understood; allowed: flags such as --name value']);
  });

  it('cover broken files', () => {
    expect(mistakes(['--config', '/nonexistent/pool.yaml'])[0]).toMatch(/^--config: cannot read .*pool.yaml: ENOENT/);
    const broken = file('a: [1\nb: 2\n');
    expect(mistakes(['--config', broken])[0]).toMatch(new RegExp(`^${broken}:\\d+: not valid YAML: `));
    const list = file('- a\n');
    expect(mistakes(['--config', list])).toEqual([
      `${list}:1: not a map; allowed: one map, with lines such as "listen: 0.0.0.0:3333"`,
    ]);
  });

  it('stay on one line whatever the value holds', () => {
    const [line] = mistakes(['--network', 'a\nb\u001b[31m']);
    expect(line).not.toMatch(/\p{Cc}/u);
  });

  it('come from rules over several settings too', () => {
    const inputs = { argv: ['--payout', 'x'], env: {} };
    const loaded = loadConfig(settings, inputs, (_, placeOf) => [
      { setting: 'payout', problem: `is beside ${placeOf('network')}`, allowed: 'neither' },
    ]);
    expect(loaded).toEqual({
      kind: 'mistakes',
      mistakes: ['--payout: is beside --network, SLUICE_NETWORK or network in the file; allowed: neither'],
    });
  });

  it.each([
    ['--config', '--config', 'b'],
    ['--help=yes', '--help', 'value'],
    ['--no-listen', '--no-listen', 'no switch'],
    ['--no-coinbase-only=yes', '--no-coinbase-only', 'value'],
  ])('in %s are told where they stand', (flag, place, why) => {
    const config = file('network: regtest\n');
    const argv = flag === '--config' ? ['--config', config, '--config', config] : [flag];
    const [line = '', ...more] = mistakes(argv);
    expect(line).toMatch(new RegExp(`^${place}: .*; allowed: `));
    expect(line).toContain(flag === '--config' ? 'given twice' : why);
    expect(more).toEqual([]);
  });

  it('name the place of a rule from whichever it came', () => {
    const rule = () => [{ setting: 'payout' as const, problem: 'no', allowed: 'yes' }];
    const from = (argv: string[], env: Record<string, string>) => loadConfig(settings, { argv, env }, rule);
    const config = file('\npayout: x\n');
    expect(from([], { SLUICE_PAYOUT: 'x' })).toMatchObject({ mistakes: ['SLUICE_PAYOUT: no; allowed: yes'] });
    expect(from(['--config', config], {})).toMatchObject({ mistakes: [`${config}:2 payout: no; allowed: yes`] });
  });

  it('are not what another command knows, unless it is a flag', () => {
    const commands = new Map([
      ['gateway', defineConfig({ gatewayLabel: { type: text({ allowed: 'any' }), doc: '' } })],
    ]);
    const argv = ['--payout', 'x', '--config', file('gatewayLabel: a\n')];
    const env = { SLUICE_GATEWAY_LABEL: 'a' };
    expect(loadConfig(settings, { argv, env, commands }).kind).toBe('config');
    expect(loadConfig(settings, { argv: [...argv, '--gateway-label', 'a'], env, commands })).toEqual({
      kind: 'mistakes',
      mistakes: ['--gateway-label: a flag of gateway, not of this command; allowed: what --help lists'],
    });
  });

  it('hide the password of a URL where none belongs', () => {
    const [line] = mistakes(['--network', 'http://user:hunter2@host']);
    expect(line).toMatch(/^--network: "…@host" is not allowed/);
  });

  it('are two variables of one setting that differ', () => {
    const two = defineConfig({ node: { type: text({ allowed: 'any' }), doc: '', env: ['NODE_URL', 'SLUICE_NODE'] } });
    const from = (env: Record<string, string>) => loadConfig(two, { argv: [], env });
    expect(from({ SLUICE_NODE: 'a' })).toMatchObject({ config: { node: 'a' } });
    expect(from({ NODE_URL: 'a', SLUICE_NODE: 'a' })).toMatchObject({ config: { node: 'a' } });
    expect(from({ NODE_URL: 'a', SLUICE_NODE: 'b' })).toEqual({
      kind: 'mistakes',
      mistakes: ['SLUICE_NODE: differs from NODE_URL, which is the same setting; allowed: one of them'],
    });
  });

  it('do not take the variables that a process reads elsewhere for settings', () => {
    expect(values([], { SLUICE_SECP256K1_WASM: '/secp256k1.wasm', SLUICE_CONFIG: '' }).network).toBe('mainnet');
  });

  it('do not take the variables of Kubernetes Services for settings', () => {
    const env = {
      SLUICE_GATEWAY_SERVICE_HOST: '10.0.0.1',
      SLUICE_GATEWAY_SERVICE_PORT_MINING: '3333',
      SLUICE_GATEWAY_PORT: 'tcp://10.0.0.1:3333',
      SLUICE_GATEWAY_PORT_3333_TCP_ADDR: '10.0.0.1',
    };
    expect(values([], env).network).toBe('mainnet');
  });
});

describe('help', () => {
  const help = helpText('sluice x [flags]', 'Does x.', settings, 90);

  it('names every flag and variable with its default, within the width', () => {
    expect(help).toContain('--max-connections N');
    expect(help).toContain('[BITCOIND_URL]');
    expect(help.replaceAll(/\s+/g, ' ')).toContain('Default: 20000. [SLUICE_MAX_CONNECTIONS]');
    expect(help.replaceAll(/\s+/g, ' ')).toContain('Required. [SLUICE_PAYOUT]');
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
  });

  it('is asked for by --help wherever it stands', () => {
    expect(loadConfig(settings, { argv: ['--nonsense', '--help'], env: {} })).toEqual({ kind: 'help' });
  });
});

describe('nearestName', () => {
  it('finds slips and leaves strangers alone', () => {
    expect(nearestName('gatewya', ['gateway', 'miner'])).toBe('gateway');
    expect(nearestName('x', ['gateway', 'miner'])).toBeUndefined();
    expect(nearestName('SLUICE_FOO', ['SLUICE_ZMQ', 'SLUICE_DATA'])).toBeUndefined();
  });
});
