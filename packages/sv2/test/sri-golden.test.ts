// The reference implementation's frames and what it made of ours, as test/peers/sri-codec.test.ts recorded them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readWorkerIdentity } from '../src/extensions.ts';
import { encodeFrame, FRAME_HEADER_SIZE, parseFrameHeader } from '../src/frames.ts';
import { decodePayload, type Message, type MessageOf } from '../src/message.ts';
import { messageOf, messages } from '../src/registry.ts';

interface Golden {
  readonly fromPeer: readonly {
    message: string;
    fields: Record<string, unknown>;
    worker: string | null;
    frame: string;
  }[];
  readonly fromUs: readonly { frame: string; reencoded: string }[];
}

const file = join(import.meta.dirname, '../../../test/vectors/sri-golden.json');
const golden: Golden = JSON.parse(readFileSync(file, 'utf8'));

/** Fields that the reference implementation names otherwise than the specification. */
const renamed: Record<string, string> = { token: 'miningJobToken', coinbaseOutputs: 'coinbaseTxOutputs' };

function ourName(snake: string): string {
  const camel = snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return renamed[camel] ?? camel;
}

function ourValue(shown: unknown): unknown {
  if (shown === null) return undefined;
  if (Array.isArray(shown)) return shown.map(ourValue);
  if (typeof shown !== 'object') return shown;
  const { hex, u64 } = shown as { hex?: string; u64?: string };
  return u64 === undefined ? new Uint8Array(Buffer.from(hex!, 'hex')) : BigInt(u64);
}

interface Parsed {
  readonly declared: Message;
  readonly payload: Uint8Array;
  readonly value: MessageOf<Message>;
  readonly length: number;
}

function parse(frame: string): Parsed {
  const bytes = Buffer.from(frame, 'hex');
  const header = parseFrameHeader(bytes);
  const declared = messageOf(header.extensionType, header.msgType)!;
  expect(header.channelMsg).toBe(declared.channelMsg);
  const payload = bytes.subarray(FRAME_HEADER_SIZE);
  expect(header.length).toBe(payload.length);
  const decoded = decodePayload(declared, payload);
  if (!decoded.ok) throw new Error(`${decoded.code} at ${decoded.where}`);
  return { declared, payload, value: decoded.value, length: decoded.length };
}

describe('frames of the reference implementation', () => {
  test.each(golden.fromPeer.map((sample, i) => ({ ...sample, title: `${sample.message} (${i})` })))(
    '$title',
    (sample) => {
      const { declared, payload, value, length } = parse(sample.frame);
      const expected = Object.fromEntries(
        Object.entries(sample.fields).map(([name, shown]) => [ourName(name), ourValue(shown)]),
      );
      expect(value).toEqual(expected);
      expect(Object.keys(value)).toEqual(Object.keys(declared.fields));
      expect(readWorkerIdentity(payload, length) ?? null).toBe(sample.worker);
      const tlvs = payload.subarray(length);
      expect(Buffer.from(encodeFrame(declared, value, tlvs)).toString('hex')).toBe(sample.frame);
    },
  );

  test('are there for every message', () => {
    const seen = new Set(golden.fromPeer.map(({ frame }) => parse(frame).declared));
    expect(messages.filter((declared) => !seen.has(declared)).map(({ name }) => name)).toEqual([]);
  });
});

test('the reference implementation sends back our frames as they were, for every message', () => {
  const seen = new Set<Message>();
  for (const { frame, reencoded } of golden.fromUs) {
    expect(reencoded).toBe(frame);
    const { declared, value } = parse(frame);
    expect(Buffer.from(encodeFrame(declared, value)).toString('hex')).toBe(frame);
    seen.add(declared);
  }
  expect(messages.filter((declared) => !seen.has(declared)).map(({ name }) => name)).toEqual([]);
});
