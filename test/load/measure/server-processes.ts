// What the processes of a pool use, read from /proc: user and system time of all threads of each, not of its children.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ValueType } from '@sluice/runtime/config/value-types';

export interface NamedProcess {
  readonly name: string;
  readonly pid: number;
}

export interface ProcessSample {
  /** User and system time. */
  readonly cpuSeconds: number;
  readonly systemSeconds: number;
  readonly rssBytes: number;
}

/** Fields of /proc/PID/stat behind the name, from `state` on. */
const UTIME = 11;
const STIME = 12;
let ticksPerSecond: number | undefined;

/** `name=pid`. */
export function namedProcess(): ValueType<NamedProcess> {
  return {
    allowed: 'NAME=PID of a running process',
    placeholder: 'NAME=PID',
    parse(text) {
      const [, name, pid] = /^([\w.-]+)=(\d+)$/.exec(text) ?? [];
      if (name === undefined) return undefined;
      const named = { name, pid: Number(pid) };
      return sampleOf(named) === undefined ? undefined : named;
    },
    format: ({ name, pid }) => `${name}=${pid}`,
  };
}

/** `undefined`: the process is gone. */
export function sampleOf({ pid }: NamedProcess): ProcessSample | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const rssKiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    return {
      cpuSeconds: (Number(fields[UTIME]) + Number(fields[STIME])) / ticksPerSecond,
      systemSeconds: Number(fields[STIME]) / ticksPerSecond,
      rssBytes: Number(rssKiB ?? 0) * 1_024,
    };
  } catch {
    return undefined;
  }
}
