// What real firmware sends, through real sessions: the exact lines in, the exact lines out, and nobody is disconnected.

import { hexU32 } from '@sluice/sv1/hex';
import { BIP320_MASK, BIP323_MASK } from '@sluice/sv1/version-bits';
import { afterEach, describe, expect, it } from 'vitest';
import { dialects, fill, type ServerFacts } from '../../../../packages/sv1/test/dialects.ts';
import type { LineClient } from './support/line-client.ts';
import { JOB_VERSION } from './support/scripted-farm.ts';
import { TestServer } from './support/test-server.ts';

const masks = [BIP320_MASK, BIP323_MASK] as const;

const factsOf = (versionMask: number): ServerFacts => ({
  extranonce1: '0001',
  extranonce2Size: '4',
  versionMask: hexU32(versionMask),
  extranonce2: '00000007',
  nonce: '000b014c',
  sessionId: '00000001',
  jobId: '1',
  ntime: '6553f101',
  setDifficulty: '{"id":null,"method":"mining.set_difficulty","params":[1024]}',
  notify:
    '{"id":null,"method":"mining.notify","params":["1","03020100070605040b0a09080f0e0d0c13121110171615141b1a19181f1e1d1c","010203","0405",["1111111111111111111111111111111111111111111111111111111111111111"],"20000000","1703a30c","6553f100",true]}',
});

const isNotification = (line: string) => line.startsWith('{"id":null,"method":');

let server: TestServer;
afterEach(() => server.stop());

function connect(versionMask: number): LineClient {
  server = new TestServer({ versionMask });
  server.farm.makeJob();
  return server.connect();
}

async function staysConnected(client: LineClient): Promise<void> {
  await client.hasNothing();
  expect(server.server.sessions.size).toBe(1);
  expect(Object.values(server.counters.closed).reduce((sum, count) => sum + count, 0)).toBe(0);
}

const rows = dialects.flatMap((dialect) => masks.map((mask) => ({ ...dialect, mask, facts: factsOf(mask) })));

describe.each(rows)('$name, of mask $facts.versionMask', ({ exchanges, takes, mask, facts }) => {
  const lines = exchanges.map(({ sends }) => fill(sends, facts));
  const expected = exchanges.flatMap(({ gets }) => gets).map((line) => fill(line, facts));

  it('is answered line by line', async () => {
    const client = connect(mask);
    for (const [index, { gets }] of exchanges.entries()) {
      client.send(lines[index] ?? '');
      expect(await client.take(gets.length)).toEqual(gets.map((line) => fill(line, facts)));
    }
    await staysConnected(client);
    const versions = exchanges.flatMap(({ share }) => (share === undefined ? [] : [share.versionBits ?? 0]));
    const shares = server.farm.places.flatMap((place) => place.shares);
    const ofJobs = shares.filter(({ jobId }) => server.farm.jobs.has(jobId));
    expect(ofJobs.map(({ version }) => version)).toEqual(versions.map((bits) => JOB_VERSION | bits));
  });

  it('is answered when all comes at once: in order, and nothing else before work may begin', async () => {
    const client = connect(mask);
    client.send(...lines);
    const got = await client.take(expected.length);
    expect(got.filter((line) => !isNotification(line))).toEqual(expected.filter((line) => !isNotification(line)));
    expect(got.filter(isNotification)).toEqual(expected.filter(isNotification));
    const first = got.findIndex(isNotification);
    if (first !== -1) expect(first).toBeGreaterThanOrEqual(expected.findIndex(isNotification));
    await staysConnected(client);
  });

  it('is answered byte by byte, with other line ends', async () => {
    const client = connect(mask);
    for (const byte of Buffer.from(`\r\n${lines.join('\r\n\r\n')}\r\n`)) client.socket.write(Uint8Array.of(byte));
    expect(await client.take(expected.length)).toEqual(expected);
    await staysConnected(client);
  });

  it('has room for what it gets', () => {
    const [least, most] = takes?.extranonce2 ?? [1, 8];
    expect(Number(facts.extranonce2Size)).toBeGreaterThanOrEqual(least);
    expect(Number(facts.extranonce2Size)).toBeLessThanOrEqual(most);
    expect(facts.extranonce1.length / 2).toBeLessThanOrEqual(takes?.extranonce1 ?? 16);
  });
});
