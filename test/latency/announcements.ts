// When bitcoind announced each block, by its own log: the line is written before the message is sent, so that no other process can
// make an announcement late and the way of a tip short.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What bitcoind must be started with. */
export const announcementLog = ['-debug=zmq', '-logtimemicros=1'] as const;

/** Unix time in nanoseconds of the first announcement of each block, by its hash: hexadecimal in wire order. */
export function announcementsOf(bitcoindDirectory: string): ReadonlyMap<string, bigint> {
  const log = readFileSync(join(bitcoindDirectory, 'regtest/debug.log'), 'utf8');
  const found = new Map<string, bigint>();
  for (const [, second = '', micros = '', hash = ''] of log.matchAll(
    /^(\S+)\.(\d{6})Z .*Publish (?:raw|hash)block ([0-9a-f]{64}) /gm,
  )) {
    const name = Buffer.from(hash, 'hex').reverse().toString('hex');
    if (!found.has(name)) found.set(name, BigInt(Date.parse(`${second}Z`)) * 1_000_000n + BigInt(micros) * 1_000n);
  }
  return found;
}

const TRIES = 2;

/** Unix time less `process.hrtime`, in nanoseconds: read at the moment when the millisecond of the one clock changes. */
export function clockOffset(): bigint {
  let best: bigint | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    // What comes between the two clocks makes the offset smaller, never larger.
    const offset = BigInt(now) * 1_000_000n - process.hrtime.bigint();
    if (best === undefined || offset > best) best = offset;
  }
  return best ?? 0n;
}
