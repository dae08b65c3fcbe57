// Messages and bytes of one protocol by kind, in both directions; up is towards the pool.
import type { TrafficRow } from '../measure/traffic.ts';

export interface Ledger {
  readonly up: readonly TrafficRow[];
  readonly down: readonly TrafficRow[];
}

export type Direction = keyof Ledger;
export const directions = ['up', 'down'] as const satisfies readonly Direction[];

export const bytesOf = (rows: readonly TrafficRow[]) => rows.reduce((sum, { bytes }) => sum + bytes, 0);

export const messagesOf = (rows: readonly TrafficRow[], name: string) =>
  rows.find((row) => row.name === name)?.messages ?? 0;

/** What came between two moments. */
export function between(before: Ledger, after: Ledger): Ledger {
  return { up: lessRows(after.up, before.up), down: lessRows(after.down, before.down) };
}

function lessRows(after: readonly TrafficRow[], before: readonly TrafficRow[]): readonly TrafficRow[] {
  return after.map(({ name, messages, bytes }) => {
    const row = before.find((each) => each.name === name);
    return { name, messages: messages - (row?.messages ?? 0), bytes: bytes - (row?.bytes ?? 0) };
  });
}
