// The worker of a miner, as an upstream is told of it by extension 0x0002.
import { encodeWorkerIdentity, MAX_WORKER_IDENTITY_SIZE } from '@sluice/sv2/extensions';

/**
 * The part of `account.worker` behind the first dot; a name without one is the worker's. The account is the one that the channel was opened
 * with. Cut to what the field carries, without splitting a character.
 */
export function workerOf(user: string): string {
  const dot = user.indexOf('.');
  const named = dot === -1 || dot === user.length - 1 ? user : user.slice(dot + 1);
  let name = '';
  let size = 0;
  for (const character of named) {
    // Control characters, and halves of characters, are no text.
    if (/[\p{Cc}\p{Cs}]/u.test(character)) continue;
    size += Buffer.byteLength(character);
    if (size > MAX_WORKER_IDENTITY_SIZE) break;
    name += character;
  }
  return name;
}

/** The TLV field; `undefined` when nothing is left of the name. */
export function workerField(user: string): Uint8Array | undefined {
  const worker = workerOf(user);
  return worker === '' ? undefined : encodeWorkerIdentity(worker);
}
