// What miners answer: only client.get_version has an answer that says more than that the miner is there.
import type { Response } from './json-rpc.ts';

/** Name and version of the miner's software; `undefined` when it does not tell. */
export function readVersion({ result }: Response): string | undefined {
  return typeof result === 'string' ? result : undefined;
}
