import { describe, expect, it } from 'vitest';
import { parseMessage } from '../src/json-rpc.ts';
import { MAX_LINE_SIZE } from '../src/line-parser.ts';
import { readMinerRequest } from '../src/miner-requests.ts';
import { NotifyTemplate } from '../src/notify-template.ts';
import { setDifficultyLine } from '../src/server-lines.ts';
import { dialects, fill, type ServerFacts } from './dialects.ts';
import { LineServer } from './line-server.ts';

const work = {
  prevHash: new Uint8Array(32).fill(1),
  coinbasePrefix: new Uint8Array(60),
  coinbaseSuffix: new Uint8Array(170),
  merklePath: Array.from({ length: 12 }, (_, index) => new Uint8Array(32).fill(index)),
  ...{ version: 0x2000_0000, nbits: 0x1703_4219 },
};
const ofBip320: ServerFacts = {
  ...{ extranonce1: '08000002', extranonce2Size: '8', versionMask: '1fffe000' },
  sessionId: 'ae6812eb4cd7735a302a8a9dd95cf71f',
  jobId: 'bf',
  ...{ extranonce2: '0000000000000001', ntime: '504e86ed', nonce: '00957c02' },
  setDifficulty: setDifficultyLine(1024).trim(),
  notify: Buffer.from(new NotifyTemplate(work).line('bf', 0x504e_86b9, true))
    .toString()
    .trim(),
};
const servers: readonly ServerFacts[] = [ofBip320, { ...ofBip320, versionMask: '1fffffe0' }];

describe.each(servers.flatMap((facts) => dialects.map((dialect) => ({ facts, ...dialect, mask: facts.versionMask }))))(
  '$name, of a server that grants $mask',
  ({ facts, exchanges, takes }) => {
    const lines = exchanges.map(({ sends }) => fill(sends, facts));
    const expected = exchanges.flatMap(({ gets }) => gets).map((line) => `${fill(line, facts)}\n`);

    it('is read', () => {
      for (const [index, { reads, share }] of exchanges.entries()) {
        const message = parseMessage(Buffer.from(lines[index]!));
        if (message.kind === 'request')
          expect(readMinerRequest(message)).toMatchObject(
            share === undefined ? { ...reads } : { ...reads, nonce: 0x0095_7c02, ...share },
          );
        else expect(message.kind).toBe('response');
      }
    });

    it('is answered line by line', () => {
      const server = new LineServer(facts);
      for (const [index, { gets }] of exchanges.entries())
        expect(server.push(Buffer.from(`${lines[index]}\n`))).toBe(
          gets.map((line) => `${fill(line, facts)}\n`).join(''),
        );
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
      const extranonce = facts.extranonce1.length / 2 + Number(facts.extranonce2Size);
      const coinbase = work.coinbasePrefix.length + extranonce + work.coinbaseSuffix.length;
      expect(coinbase).toBeLessThanOrEqual(takes?.coinbase ?? coinbase);
      expect(facts.notify.length).toBeLessThanOrEqual(takes?.line ?? MAX_LINE_SIZE);
    });
  },
);
