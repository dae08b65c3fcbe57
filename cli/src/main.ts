// The `sluice` command: `sluice <command> [flags]`. See commands.ts for what there is.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

// Before the cache: V8's flags are part of its key. The pool on one machine is a guest there. V8's space for young objects would grow to 32 MB
// during the start and stay; what has been made so far is collected more often instead, which at the loads of one machine costs little.
// Elsewhere nobody waits: to give memory back when little is asked for, V8 would move the whole heap in one go, 170 ms with ten thousand miners.
const [first = '', second = '-'] = process.argv.slice(2);
const command = first === 'start' && !second.startsWith('-') ? second : first;
setFlagsFromString(command === 'start' ? '--semi-space-growth-factor=1' : '--no-memory-reducer-favors-memory');

// Of a service V8 would let that space grow as the machine is large: of 32 MB each page is held sooner or later, whatever lives in it. What a share
// leaves at share-validator lives until its batch is judged, and would be moved about in a small space. And three or four threads that look for
// garbage would have most of a core while they do, where a service has one. Both are read when a process begins, so this one begins once more, unless
// somebody else chose a size, or talks to it as `node --watch` does. And bytes that a service has read lie outside of the heap and count as old at
// once: a heap of 30 MB would be marked as a whole for every 9 MB of them, up to three times a second, if it might not double first.
const forServices = [`--max-semi-space-size=${command === 'share-validator' ? 16 : 4}`, '--v8-pool-size=1'];
const services = [
  ...['template-provider', 'job-distributor', 'channel-manager', 'connection-gateway', 'share-validator'],
  ...['proxy', 'operator'],
];
if (services.includes(command)) {
  const { argv, channel, env, execArgv, execPath, platform } = process;
  const isChosen = /max[-_]semi[-_]space[-_]size/.test([...execArgv, env.NODE_OPTIONS].join(' '));
  if (!isChosen && channel === undefined && platform !== 'win32')
    process.execve?.(execPath, [execPath, ...forServices, ...execArgv, ...argv.slice(1)], env);
  setFlagsFromString('--heap-growing-percent=100');
}

// From the second start on nothing is compiled again, which takes half of a start's time. In a folder of
// the user's own: code that others could write must not be run. Where it cannot be written all goes on without it.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice', 'compiled'));

// Whoever reads the output may leave, as `head` does: that ends the output, not the pool.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);

const [{ messageOf }, { ExitCode }, { runCommand }] = await Promise.all([
  import('@sluice/runtime/errors'),
  import('@sluice/runtime/exit-code'),
  import('./commands.ts'),
]);

const exitCode = await runCommand(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`sluice: ${messageOf(error)}\n`);
  return ExitCode.failed;
});
// Timers and sockets of others must not keep a finished command alive.
process.exit(exitCode);
