// V8's CPU profiles, as `node --cpu-prof` writes them when a process ends: where the samples of a part of its life fell.
import { readFileSync } from 'node:fs';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Monotonic microseconds, the clock of `process.hrtime`. */
  readonly startTime: number;
  /** Ids of nodes, and the microseconds between each sample and the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A function, or one of V8's own names: `(garbage collector)`, `(program)`. */
export interface Frame {
  readonly name: string;
  /** A file's URL, `node:…`, `wasm://…`; empty for what is built in. */
  readonly url: string;
  /** From 1. */
  readonly line: number;
}

export interface SelfTime extends Frame {
  /** Part of the samples that were not idle, 0 to 1. */
  readonly part: number;
}

export const readProfile = (file: string): CpuProfile => JSON.parse(readFileSync(file, 'utf8'));

/** The most first. Both bounds are monotonic milliseconds. */
export function selfTimes(profile: CpuProfile, fromMs: number, toMs: number): readonly SelfTime[] {
  const times = new Map<string, Frame & { micros: number }>();
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, frameOf(callFrame)]));
  let at = profile.startTime;
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0;
    at += delta;
    const frame = frames.get(id);
    if (frame === undefined || frame.name === '(idle)' || at < fromMs * 1_000 || at >= toMs * 1_000) continue;
    busy += delta;
    const key = `${frame.name} ${frame.url}:${frame.line}`;
    const entry = times.get(key) ?? { ...frame, micros: 0 };
    entry.micros += delta;
    times.set(key, entry);
  }
  return [...times.values()]
    .sort((a, b) => b.micros - a.micros)
    .map(({ micros, ...frame }) => ({ ...frame, part: micros / busy }));
}

const frameOf = ({ functionName, url, lineNumber }: ProfileNode['callFrame']): Frame => ({
  name: functionName === '' ? '(anonymous)' : functionName,
  url,
  line: lineNumber + 1,
});
