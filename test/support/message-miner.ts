// A miner's end of a connection over a real socket that shows every message in the order in which it came.
import { connect } from 'node:net';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { nobleEc } from '@sluice/noise/noble-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { randomBytes } from '@sluice/runtime/random';
import type { Message, MessageOf } from '@sluice/sv2/message';
import { TestMiner } from '../../services/connection-gateway/test/support/test-miner.ts';

const WAIT_MS = 30_000;

/** Resolves after the handshake; nothing is set up yet. `authorityKey`: base58check. */
export async function connectMiner(port: number, authorityKey: string): Promise<TestMiner> {
  const key = decodeAuthorityPublicKey(authorityKey);
  if (key === undefined) throw new Error(`no authority key: ${authorityKey}`);
  const options = {
    ...{ ec: nobleEc, aead: wasmAead(), random: randomBytes },
    ...{ authorityKey: key, now: Math.floor(Date.now() / 1000) },
  };
  const miner = new TestMiner(connect({ port, host: '127.0.0.1', noDelay: true }), options, WAIT_MS);
  await miner.handshake();
  return miner;
}

/** The next message of this kind that fits; those before it are passed over. */
export async function nextOf<M extends Message>(
  miner: TestMiner,
  declared: M,
  fits: (value: MessageOf<M>) => boolean,
): Promise<MessageOf<M>> {
  for (;;) {
    const { name, value } = await miner.next();
    if (name === declared.name && fits(value as MessageOf<M>)) return value as MessageOf<M>;
  }
}
