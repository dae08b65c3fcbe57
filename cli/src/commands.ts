// The table of commands. Each is loaded when it is called, so that one command never pays for another.
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { nearestName } from '@sluice/runtime/config/nearest-name';
import { ExitCode } from '@sluice/runtime/exit-code';
import { version } from '@sluice/runtime/version';
import { commandSettings } from './command-settings.ts';

/** Resolves with the exit code. */
export type Main = (argv: readonly string[], commands: CommandTables) => Promise<number>;

interface Command {
  readonly doc: string;
  load(): Promise<{ readonly main: Main }>;
}

export const commands: Readonly<Record<string, Command>> = {
  start: {
    doc: 'The whole pool in this process, on a simulated chain or next to your bitcoind.',
    load: () => import('./start/main.ts'),
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
  proxy: {
    doc: 'Puts many miners on one Stratum V2 channel of a pool, with other pools to fall back on.',
    load: () => import('@sluice/proxy/main'),
  },
  operator: {
    doc: 'Makes pods and Services of the MiningPools and ProxyFleets of a Kubernetes cluster.',
    load: () => import('@sluice/operator/main'),
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

/** The text of `sluice help`. */
export function overview(): string {
  const all = [...Object.entries(commands).map(([name, { doc }]) => [name, doc] as const), ...Object.entries(own)];
  const lines = all.map(([name, doc]) => `  ${name.padEnd(20)}${doc}`);
  return `Usage: sluice <command> [flags]\n\n${lines.join('\n')}\n\nFlags of a command: sluice <command> --help\n`;
}

const helpWords: readonly string[] = ['help', '--help', '-h'];
const versionWords: readonly string[] = ['version', '--version', '-v'];

/** Runs the command that the words after `sluice` name. */
export async function runCommand(words: readonly string[]): Promise<number> {
  const [name = 'help', ...argv] = words;
  // `npm start -- proxy` puts its own word before the one that is meant.
  if (name === 'start' && Object.hasOwn(commands, argv[0] ?? '')) return runCommand(argv);
  if (versionWords.includes(name)) return printVersion(argv);
  if (helpWords.includes(name)) return help(argv);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const nearest = nearestName(name, [...Object.keys(commands), ...Object.keys(own)]);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    return mistake(`${JSON.stringify(name)}: unknown command${hint}; allowed: what sluice help lists`);
  }
  const { main } = await command.load();
  return main(argv, commandSettings);
}

/** The overview, or the flags of the command that is named. */
function help([name, ...more]: readonly string[]): number | Promise<number> {
  if (more.length > 0) return mistake(`help: ${more.join(' ')}: not understood; allowed: the name of one command`);
  if (name === undefined || helpWords.includes(name) || versionWords.includes(name)) return printOverview();
  return runCommand([name, '--help']);
}

function printVersion(words: readonly string[]): number {
  if (words.length > 0) return mistake(`version: ${words.join(' ')}: not understood; allowed: nothing behind it`);
  process.stdout.write(`sluice ${version()} (Node ${process.versions.node})\n`);
  return ExitCode.ok;
}

function mistake(text: string): number {
  process.stderr.write(`sluice: ${text}\n`);
  return ExitCode.usage;
}

function printOverview(): number {
  process.stdout.write(overview());
  return ExitCode.ok;
}
