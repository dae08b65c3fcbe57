// Our codec against the reference implementation's, by running it: what it sends we read and send alike, what we send it
// reads and sends alike. What it answered is kept in test/vectors, where unit tests use it without Rust.
// UPDATE_VECTORS=1 writes the files anew.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWorkerIdentity } from '@sluice/sv2/extensions';
import { encodeFrame } from '@sluice/sv2/frames';
import { encodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { messages } from '@sluice/sv2/registry';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { arbitraryMessage } from '../../packages/sv2/test/arbitrary-message.ts';
import { run } from '../support/run.ts';
import { buildSriPeer, whyNoSriPeer } from '../support/sri.ts';

interface Repeated {
  readonly ok: boolean;
  readonly reencoded?: string;
  readonly worker?: string | null;
  readonly reason?: string;
}

const vectors = join(import.meta.dirname, '../vectors');
const missing = whyNoSriPeer();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const lines = <T>(text: string): T[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Frames of ours with values drawn by `seed`, `count` of each message. */
function drawn(seed: number, count: number): string[] {
  return messages.flatMap((declared) =>
    fc
      .sample(arbitraryMessage(declared), { seed, numRuns: count })
      .map((value) => hex(encodeFrame(declared, declared === setup ? ofKnownProtocol(value) : value))),
  );
}

const setup: Message = SetupConnection;

/** SetupConnection.protocol is an enumeration in the peer: it refuses the numbers that name no protocol. */
function ofKnownProtocol(value: MessageOf<Message>): MessageOf<Message> {
  return { ...value, protocol: (value.protocol as number) % 3 };
}

/** The file's content; written first when asked for. */
function vector(name: string, fresh: unknown): unknown {
  const file = join(vectors, name);
  if (process.env.UPDATE_VECTORS === '1') {
    mkdirSync(vectors, { recursive: true });
    writeFileSync(file, `${JSON.stringify(fresh, undefined, 1)}\n`);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

describe.skipIf(missing !== undefined && process.env.CI === undefined)(
  `SRI codec${missing ? `: ${missing}` : ''}`,
  () => {
    let peer = '';

    beforeAll(async () => {
      peer = await buildSriPeer();
    });

    function repeated(frames: readonly string[]): Promise<Repeated[]> {
      return new Promise((resolve, reject) => {
        const child = spawn(peer, ['decode'], { stdio: ['pipe', 'pipe', 'inherit'] });
        let out = '';
        child.stdout.on('data', (chunk: Buffer) => {
          out += chunk.toString();
        });
        child.on('error', reject);
        child.on('close', (code) =>
          code === 0 ? resolve(lines(out)) : reject(new Error(`the peer ended with ${code}`)),
        );
        child.stdin.end(`${frames.join('\n')}\n`);
      });
    }

    test('the golden file is what the peer sends and what it makes of our frames', async () => {
      const fromPeer = lines(await run(peer, ['golden']));
      const fixed = drawn(1, 2);
      const answers = await repeated(fixed);
      const fromUs = fixed.map((frame, i) => ({ frame, reencoded: answers[i]?.reencoded }));
      const source = 'stratum-core 0.6.0, by test/peers/sri (`sri-peer golden`, `sri-peer decode`)';
      expect(vector('sri-golden.json', { source, fromPeer, fromUs })).toEqual({ source, fromPeer, fromUs });
    });

    test('the handshake vectors are what the peer makes', async () => {
      const fresh = JSON.parse(await run(peer, ['noise-vectors']));
      expect(vector('sri-noise.json', fresh)).toEqual(fresh);
    });

    test('the peer reads any message of ours and sends the same bytes', async () => {
      const frames = drawn(Date.now() % 2 ** 31, 40);
      const answers = await repeated(frames);
      expect(answers).toHaveLength(frames.length);
      answers.forEach((answer, i) => {
        expect(answer, frames[i]).toMatchObject({ ok: true, reencoded: frames[i] });
      });
    });

    test('the peer reads the worker behind our shares', async () => {
      const [share] = fc.sample(arbitraryMessage(SubmitSharesExtended), { seed: 3, numRuns: 1 });
      const frame = hex(encodeFrame(SubmitSharesExtended, share!, encodeWorkerIdentity('rig-7')));
      expect(await repeated([frame])).toMatchObject([{ ok: true, worker: 'rig-7', reencoded: frame }]);
    });

    test('what the peer refuses, it refuses: the report of a broken frame says so', async () => {
      const [share] = fc.sample(arbitraryMessage(SubmitSharesExtended), { seed: 4, numRuns: 1 });
      const cut = encodePayload(SubmitSharesExtended, share!).subarray(0, 20);
      const header = Uint8Array.of(0, 0x80, 0x1b, 20, 0, 0);
      expect(await repeated([hex(Buffer.concat([header, cut]))])).toMatchObject([{ ok: false }]);
    });
  },
);
