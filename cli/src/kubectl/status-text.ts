// The state of a resource as a person reads it.
import { styleText } from 'node:util';
import type { PodState, ResourceState } from './status.ts';
import { table } from './table.ts';

/** Whether a condition is as one wants it while it is True. */
const isBadWhenTrue = new Set(['Degraded', 'ReconciliationPaused']);

type Colour = 'green' | 'red' | 'yellow' | 'bold';
/** Colours where the output is a terminal. */
export type Paint = (colour: Colour, text: string) => string;

/** As standard output, or NO_COLOR, wants it. */
export const paintOfTerminal: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });

export function statusText(resource: ResourceState, nowMs: number, paint: Paint): string {
  const { conditions, endpoints, upstreams, pods } = resource;
  const parts = [
    section(
      ['CONDITION', 'STATUS', 'SINCE', 'REASON', 'MESSAGE'],
      conditions.map(({ type, status, lastTransitionTime, reason, message }) => [
        ...[type, paint(colourOf(type, status), status), since(lastTransitionTime, nowMs), reason, message],
      ]),
    ),
    section(
      ['LISTENER', 'URL OF MINERS'],
      endpoints.map(({ listener, uri }) => [listener, uri]),
    ),
    section(
      ['UPSTREAM', 'STATE'],
      upstreams.map(({ name, state }) => [
        name,
        paint(state === 'Active' ? 'green' : state === 'Standby' ? 'bold' : 'red', state),
      ]),
    ),
    section(
      ['POD', 'PROGRAM', 'READY', 'STATE', 'CONNECTIONS', 'AGE'],
      pods.map((pod) => row(pod, nowMs, paint)),
    ),
  ];
  return [headline(resource, paint), ...parts.filter((part) => part !== '')].join('\n\n');
}

function headline(
  { kind, namespace, name, isPaused, isBeingDeleted, fleet, conditions }: ResourceState,
  paint: Paint,
): string {
  const ready = conditions.find(({ type }) => type === 'Ready')?.status;
  const is = ready === 'True' ? paint('green', 'ready') : paint('red', 'not ready');
  const { replicas, desired, draining, connections } = fleet;
  const facts = [
    is,
    ...(isPaused ? [paint('yellow', 'paused')] : []),
    ...(isBeingDeleted ? [paint('yellow', 'being deleted')] : []),
    ...(replicas === undefined
      ? []
      : [`${replicas} of ${desired ?? replicas} ${kind === 'MiningPool' ? 'gateways' : 'proxies'}`]),
    ...(draining ? [`${draining} on their way out`] : []),
    ...(connections === undefined ? [] : [`${connections} connections`]),
  ];
  return `${paint('bold', `${kind} ${namespace}/${name}`)}: ${facts.join(', ')}`;
}

const section = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  rows.length === 0
    ? ''
    : table([head, ...rows])
        .map((line) => `  ${line}`)
        .join('\n');

function colourOf(type: string, status: string): Colour {
  if (status === 'Unknown') return 'yellow';
  if (type === 'Progressing') return 'bold';
  return (status === 'True') === isBadWhenTrue.has(type) ? 'red' : 'green';
}

const row = ({ name, component, isReady, state, connections, createdAt }: PodState, nowMs: number, paint: Paint) => [
  ...[name, component, isReady ? paint('green', 'yes') : paint('red', 'no'), state],
  ...[connections === undefined ? '-' : String(connections), since(createdAt, nowMs)],
];

/** @param time RFC 3339 */
export function since(time: string | undefined, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(time ?? '')) / 1_000));
  if (Number.isNaN(seconds)) return '-';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
