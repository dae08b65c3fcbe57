// Whether an object of the API server's is what it was applied as: only fields that were applied count, so that neither defaults nor what
// others have set make a difference.
import { quantityNanos } from './quantity.ts';

/**
 * Lists whose items stand for themselves by these fields, in any order and beside the items of others, as server-side apply merges them. By the end
 * of their path. All other lists are taken as a whole.
 */
const listKeys: readonly (readonly [path: RegExp, keys: readonly string[]])[] = [
  [/^metadata\.ownerReferences$/, ['uid']],
  [/^metadata\.finalizers$/, []],
  [/^spec\.ports$/, ['port', 'protocol']],
  [/\.(?:containers|initContainers|volumes|imagePullSecrets|env)$/, ['name']],
  [/\.containers\.ports$/, ['containerPort', 'protocol']],
  [/\.volumeMounts$/, ['mountPath']],
  [/\.topologySpreadConstraints$/, ['topologyKey', 'whenUnsatisfiable']],
  [/^status\.conditions$/, ['type']],
];
/** Maps of quantities, whose keys may have dots, and fields that are one. */
const quantities = /\.(?:limits|requests|capacity)\..+$|\.sizeLimit$/;

/** Path of the first field that was applied and is not so, such as `spec.template.spec.containers.image`; undefined when all are. */
export function difference(applied: unknown, live: unknown, path = ''): string | undefined {
  if (applied === undefined || isNothing(applied, live)) return undefined;
  if (Array.isArray(applied)) return Array.isArray(live) ? listDifference(applied, live, path) : path;
  if (typeof applied !== 'object' || applied === null) return isSame(applied, live, path) ? undefined : path;
  if (typeof live !== 'object' || live === null || Array.isArray(live)) return path;
  const fields = live as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(applied)) {
    const found = difference(value, fields[name], path === '' ? name : `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The API server leaves out what says nothing. */
function isNothing(applied: unknown, live: unknown): boolean {
  if (live !== undefined && live !== null) return false;
  if (typeof applied !== 'object' || applied === null) return !applied;
  return Object.values(applied).every((value) => isNothing(value, undefined));
}

function isSame(applied: unknown, live: unknown, path: string): boolean {
  if (applied === live) return true;
  if (!quantities.test(path)) return false;
  const amount = quantityNanos(applied);
  return amount !== undefined && amount === quantityNanos(live);
}

function listDifference(applied: readonly unknown[], live: readonly unknown[], path: string): string | undefined {
  const keys = listKeys.find(([pattern]) => pattern.test(path))?.[1];
  if (keys === undefined) return wholeListDifference(applied, live, path);
  const identity = (item: unknown) =>
    keys.length === 0 ? item : JSON.stringify(keys.map((key) => (item as Record<string, unknown>)[key]));
  const byKey = new Map(live.map((item) => [identity(item), item]));
  for (const item of applied) {
    if (!byKey.has(identity(item))) return path;
    const found = difference(item, byKey.get(identity(item)), path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function wholeListDifference(applied: readonly unknown[], live: readonly unknown[], path: string): string | undefined {
  if (applied.length !== live.length) return path;
  for (const [index, item] of applied.entries()) {
    const found = difference(item, live[index], path);
    if (found !== undefined) return found;
  }
  return undefined;
}
