import { describe, expect, it } from 'vitest';
import { parseMessage } from '../src/json-rpc.ts';
import { readMinerRequest } from '../src/miner-requests.ts';
import { dialects, fill, type ServerFacts } from './dialects.ts';
import { LineServer } from './line-server.ts';

const facts: ServerFacts = {
  extranonce1: '08000002',
  extranonce2Size: '8',
  extranonce2: '0000000000000001',
  sessionId: 'ae6812eb4cd7735a302a8a9dd95cf71f',
  jobId: 'bf',
  ntime: '504e86ed',
  setDifficulty: '{"id":null,"method":"mining.set_difficulty","params":[1024]}',
  notify: '{"id":null,"method":"mining.notify","params":["the work"]}',
};

describe.each(dialects)('$name', ({ exchanges, takes }) => {
  const lines = exchanges.map(({ sends }) => fill(sends, facts));
  const expected = exchanges.flatMap(({ gets }) => gets).map((line) => `${fill(line, facts)}\n`);

  it('is read', () => {
    for (const [index, { reads }] of exchanges.entries()) {
      const message = parseMessage(Buffer.from(lines[index]!));
      if (message.kind === 'request') expect(readMinerRequest(message)).toMatchObject(reads ?? {});
      else expect(message.kind).toBe('response');
    }
  });

  it('is answered line by line', () => {
    const server = new LineServer(facts);
    for (const [index, { gets }] of exchanges.entries())
      expect(server.push(Buffer.from(`${lines[index]}\n`))).toBe(gets.map((line) => `${fill(line, facts)}\n`).join(''));
  });

  it('is answered the same when all comes at once, and byte by byte, with other line ends', () => {
    expect(new LineServer(facts).push(Buffer.from(`${lines.join('\n')}\n`))).toBe(expected.join(''));
    const server = new LineServer(facts);
    const bytes = Buffer.from(`\r\n${lines.join('\r\n\r\n')}\r\n`);
    expect(Array.from(bytes, (byte) => server.push(Uint8Array.of(byte))).join('')).toBe(expected.join(''));
  });

  it('has room for what it gets', () => {
    const [least, most] = takes?.extranonce2 ?? [1, 8];
    expect(Number(facts.extranonce2Size)).toBeGreaterThanOrEqual(least);
    expect(Number(facts.extranonce2Size)).toBeLessThanOrEqual(most);
    expect(facts.extranonce1.length / 2).toBeLessThanOrEqual(takes?.extranonce1 ?? 16);
  });
});
