// What a client sends to a pool, as lines with their line feed. Answers to the pool's own requests are those of `json-rpc.ts`.
import { bytesToHex } from '@noble/hashes/utils.js';
import { formatDifficulty } from './difficulty.ts';
import { hexU32 } from './hex.ts';
import { requestLine } from './json-rpc.ts';
import type { Sv1Share } from './submitted-share.ts';

/** To be sent first [BIP 310]: asks for version rolling and for mining.set_extranonce. @param mask bits that can be rolled, u32 */
export function configureLine(id: number, mask: number): string {
  const parameters = { 'version-rolling.mask': hexU32(mask), 'version-rolling.min-bit-count': 2 };
  return requestLine(id, 'mining.configure', [['version-rolling', 'subscribe-extranonce'], parameters]);
}

/** @param sessionId of the session that is wanted back. */
export function subscribeLine(id: number, agent: string, sessionId?: string): string {
  return requestLine(id, 'mining.subscribe', sessionId === undefined ? [agent] : [agent, sessionId]);
}

/** Names a worker, and most pools take any password. */
export function authorizeLine(id: number, user: string, password: string): string {
  return requestLine(id, 'mining.authorize', [user, password]);
}

/** For pools that do not know mining.configure. */
export function extranonceSubscribeLine(id: number): string {
  return requestLine(id, 'mining.extranonce.subscribe', []);
}

/** A wish. Throws `value-out-of-range` unless finite and positive. */
export function suggestDifficultyLine(id: number, difficulty: number): string {
  return `{"id":${id},"method":"mining.suggest_difficulty","params":[${formatDifficulty(difficulty)}]}\n`;
}

/** @param mask that was agreed on; 0: none, and the share has five parameters. */
export function submitLine(id: number, user: string, jobId: string, share: Sv1Share, mask: number): string {
  const fields = [user, jobId, bytesToHex(share.extranonce2), hexU32(share.ntime), hexU32(share.nonce)];
  return requestLine(id, 'mining.submit', mask === 0 ? fields : [...fields, hexU32(share.version & mask)]);
}
