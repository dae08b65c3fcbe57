// Programs that do not outlive whoever has started them, however that ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** Runs a program that is killed when whoever holds the other end of its standard input is gone, however that came. */
const GUARD = 'exec 3<&0; { read -r _ <&3; kill -KILL $$ 2>/dev/null; } & exec "$@" 3<&- </dev/null';

/** Starts it in the folder of its log, to which what it prints is added. */
export function spawnGuarded(program: string, flags: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn('sh', ['-c', GUARD, 'sh', program, ...flags], {
    cwd: dirname(logFile),
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  return child;
}

/** Resolves when it is gone. */
export async function killGuarded(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  child.stdin?.destroy();
}
