// The table of commands. Each is loaded when it is called, so that one command never pays for another.
import { setFlagsFromString } from 'node:v8';
import { nearestName } from '@sluice/runtime/config/nearest-name';
import { ExitCode } from '@sluice/runtime/run-service';
import { version } from './version.ts';

/** Resolves with the exit code. */
export type Main = (argv: readonly string[]) => Promise<number>;

interface Command {
  readonly doc: string;
  load(): Promise<{ readonly main: Main }>;
}

export const commands: Readonly<Record<string, Command>> = {
  start: {
    doc: 'The whole pool in this process, on a simulated chain or next to your bitcoind.',
    load: () => {
      keepYoungHeapSmall();
      return import('./start/main.ts');
    },
  },
  'template-provider': {
    doc: 'Turns what bitcoind nodes know into templates, and what miners find into blocks.',
    load: () => import('@sluice/template-provider/main'),
  },
  'job-distributor': {
    doc: 'Turns templates into the one sequence of jobs that every miner of the pool works on.',
    load: () => import('@sluice/job-distributor/main'),
  },
  'channel-manager': {
    doc: 'Admits identities, decides targets and gives out extranonce ranges.',
    load: () => import('@sluice/channel-manager/main'),
  },
  'connection-gateway': {
    doc: 'Holds the connections of miners, judges their shares and puts them into the stream.',
    load: () => import('@sluice/connection-gateway/main'),
  },
  'share-validator': {
    doc: 'Checks every stored share again and credits its work.',
    load: () => import('@sluice/share-validator/main'),
  },
  miner: {
    doc: 'A Stratum V2 miner on the CPU, for trying out and testing.',
    load: () => import('@sluice/miner/main'),
  },
  keys: {
    doc: 'Makes the authority key by which miners know the pool.',
    load: () => import('./keys/main.ts'),
  },
};

const own = { version: 'Prints the version.', help: 'Prints this, or the flags of a command: sluice help miner.' };

/**
 * The pool on one machine is a guest there. V8's space for young objects would grow to 32 MB during the start and stay; what
 * has been made so far is collected more often instead, which at the loads of one machine costs little.
 */
function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** The text of `sluice help`. */
export function overview(): string {
  const all = [...Object.entries(commands).map(([name, { doc }]) => [name, doc] as const), ...Object.entries(own)];
  const lines = all.map(([name, doc]) => `  ${name.padEnd(20)}${doc}`);
  return `Usage: sluice <command> [flags]\n\n${lines.join('\n')}\n\nFlags of a command: sluice <command> --help\n`;
}

/** Runs the command that the words after `sluice` name. */
export async function runCommand(words: readonly string[]): Promise<number> {
  const [name = 'help', ...argv] = words;
  switch (name) {
    case 'version':
    case '--version':
      process.stdout.write(`sluice ${version()} (Node ${process.versions.node})\n`);
      return ExitCode.ok;
    case 'help':
    case '--help':
    case '-h':
      return argv[0] === undefined ? printOverview() : runCommand([argv[0], '--help']);
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const nearest = nearestName(name, [...Object.keys(commands), ...Object.keys(own)]);
    const hint = nearest === undefined ? 'sluice help lists them' : `did you mean ${nearest}?`;
    process.stderr.write(`sluice: ${JSON.stringify(name)}: unknown command; ${hint}\n`);
    return ExitCode.usage;
  }
  const { main } = await command.load();
  return main(argv);
}

function printOverview(): number {
  process.stdout.write(overview());
  return ExitCode.ok;
}
