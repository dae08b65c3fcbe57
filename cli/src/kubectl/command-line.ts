// The words and flags of `kubectl sluice`, as those of kubectl itself.
import { parseArgs } from 'node:util';
import { nearestName } from '@sluice/runtime/config/nearest-name';
import { codeOf, messageOf } from '@sluice/runtime/errors';

const flags = {
  namespace: { type: 'string', short: 'n', value: 'NAME', doc: 'By default that of the context.' },
  'all-namespaces': { type: 'boolean', short: 'A', doc: 'Those of all namespaces.' },
  context: { type: 'string', value: 'NAME', doc: 'Of the kubeconfig; by default its current one.' },
  kubeconfig: { type: 'string', value: 'FILE', doc: 'By default $KUBECONFIG, or ~/.kube/config.' },
  output: { type: 'string', short: 'o', value: 'json', doc: 'For programs.' },
  'new-authority': { type: 'boolean', doc: 'Another authority key: every miner has to be given a new URL.' },
  yes: { type: 'boolean', short: 'y', doc: 'Asks nobody.' },
  'no-wait': { type: 'boolean', doc: 'Asks for it, and does not wait until it is done.' },
  timeout: { type: 'string', value: 'SECONDS', doc: 'How long to wait; 900 by default.' },
  'operator-namespace': { type: 'string', value: 'NAME', doc: 'Where the operator runs; sluice-system by default.' },
  help: { type: 'boolean', short: 'h', doc: 'Shows this.' },
} as const satisfies Readonly<Record<string, Flag>>;

interface Flag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly value?: string;
  readonly doc: string;
}

type FlagName = keyof typeof flags;
const everywhere: readonly FlagName[] = ['namespace', 'context', 'kubeconfig', 'help'];

interface Command {
  readonly argument: 'NAME' | 'POD' | '[NAME]';
  readonly doc: string;
  readonly flags: readonly FlagName[];
}

const commands = {
  status: {
    argument: '[NAME]',
    doc: 'Pools and fleets: conditions, URLs of miners, upstreams, and pods with their connections.',
    flags: ['all-namespaces', 'output'],
  },
  drain: {
    argument: 'POD',
    doc: 'Another gateway or proxy in the place of this one, whose miners are moved when that is there.',
    flags: ['no-wait', 'timeout'],
  },
  'rotate-keys': {
    argument: 'NAME',
    doc: 'Another static key and certificate, which miners do not notice.',
    flags: ['new-authority', 'yes', 'no-wait', 'timeout'],
  },
  pause: { argument: 'NAME', doc: 'The operator leaves everything as it is, but for a deletion.', flags: [] },
  resume: { argument: 'NAME', doc: 'It goes on.', flags: [] },
  release: { argument: 'NAME', doc: 'Lets a deleted resource go where no operator does.', flags: ['yes'] },
  report: {
    argument: 'NAME',
    doc: 'What one needs to know to help: JSON without passwords and keys.',
    flags: ['operator-namespace'],
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof commands;

export interface KubectlCommand {
  readonly name: CommandName;
  /** Undefined for `status` of everything alone. */
  readonly argument: string | undefined;
  readonly namespace: string | undefined;
  readonly isEverywhere: boolean;
  readonly context: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly isJson: boolean;
  readonly isNewAuthority: boolean;
  readonly isConfirmed: boolean;
  readonly waits: boolean;
  readonly timeoutMs: number;
  readonly operatorNamespace: string;
}

/** The command; or what there is to show, where somebody asked for it or where there is a mistake. */
export type ReadCommandLine =
  | { readonly kind: 'command'; readonly command: KubectlCommand }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'mistake'; readonly text: string };

const DEFAULT_TIMEOUT_SECONDS = '900';

/** @param argv words after `kubectl sluice` */
export function readCommandLine(argv: readonly string[]): ReadCommandLine {
  try {
    return read(parsed(argv));
  } catch (error) {
    if (!codeOf(error)?.startsWith('ERR_PARSE_ARGS')) throw error;
    // What follows is advice for words that begin with a dash.
    return mistake(messageOf(error).split('. ')[0] ?? '');
  }
}

function read({ values, positionals }: ReturnType<typeof parsed>): ReadCommandLine {
  const [name = 'help', argument, ...more] = positionals;
  if (name === 'help' || (values.help && !Object.hasOwn(commands, name)))
    return {
      kind: 'help',
      text: Object.hasOwn(commands, argument ?? '') ? helpOf(argument as CommandName) : overview(),
    };
  if (!Object.hasOwn(commands, name)) {
    const nearest = nearestName(name, Object.keys(commands));
    return mistake(
      `${JSON.stringify(name)}: unknown command${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    );
  }
  const command: Command = commands[name as CommandName];
  if (values.help) return { kind: 'help', text: helpOf(name as CommandName) };
  const foreign = (Object.keys(values) as FlagName[]).find(
    (flag) => !everywhere.includes(flag) && !command.flags.includes(flag),
  );
  if (foreign !== undefined) return mistake(`--${foreign}: not a flag of ${name}`);
  if (argument === undefined && command.argument !== '[NAME]') return mistake(`${name} needs ${command.argument}`);
  if (more.length > 0) return mistake(`${more.join(' ')}: not understood; ${name} takes one name`);
  if (values.output !== undefined && values.output !== 'json') return mistake('--output: allowed: json');
  const timeout = values.timeout ?? DEFAULT_TIMEOUT_SECONDS;
  if (!/^[1-9]\d{0,5}$/.test(timeout)) return mistake('--timeout: allowed: whole seconds from 1 on');
  return {
    kind: 'command',
    command: {
      ...{ name: name as CommandName, argument, namespace: values.namespace },
      ...{ context: values.context, kubeconfig: values.kubeconfig },
      isEverywhere: values['all-namespaces'] === true,
      isJson: values.output === 'json',
      isNewAuthority: values['new-authority'] === true,
      isConfirmed: values.yes === true,
      waits: values['no-wait'] !== true,
      timeoutMs: Number(timeout) * 1_000,
      operatorNamespace: values['operator-namespace'] ?? 'sluice-system',
    },
  };
}

const parsed = (args: readonly string[]) => parseArgs({ args: [...args], options: flags, allowPositionals: true });

const mistake = (text: string): ReadCommandLine => ({ kind: 'mistake', text: `${text}; see kubectl sluice help` });

function overview(): string {
  const lines = Object.entries(commands).map(([name, { argument, doc }]) => line(`${name} ${argument}`, doc));
  return `Usage: kubectl sluice <command> [flags]\n\n${lines.join('\n')}\n\nFlags of a command: kubectl sluice <command> --help\n`;
}

function helpOf(name: CommandName): string {
  const { argument, doc, flags: own }: Command = commands[name];
  const lines = [...own, ...everywhere].map((flag) => {
    const { short, value, doc: what }: Flag = flags[flag];
    return line(`${short === undefined ? '' : `-${short}, `}--${flag}${value === undefined ? '' : ` ${value}`}`, what);
  });
  return `Usage: kubectl sluice ${name} ${argument} [flags]\n\n${doc}\n\n${lines.join('\n')}\n`;
}

const line = (left: string, right: string) => `  ${left.padEnd(28)}${right}`;
