// What others have added to the pods of a workload of ours. Server-side apply gives us our fields back and leaves theirs: a sidecar, a variable,
// the host's network. Who has set which field is what the API server keeps in managedFields.
import type { FieldsV1, KubernetesObject, ManagedFields } from '../kubernetes/resource.ts';

/** A field that somebody else has set. */
export interface ForeignField {
  /** As a JSON pointer [RFC 6901]. */
  readonly pointer: string;
  readonly manager: string;
}

const TEMPLATE = ['f:spec', 'f:template'] as const;

const isOurs = ({ manager, subresource }: ManagedFields, ours: string) => manager === ours || subresource !== undefined;

/** managedFields without what is of no interest: kept are those who have set fields of the pods' template, if others than us have. */
export function foreignManagers(object: KubernetesObject, ours: string): readonly ManagedFields[] {
  const all = object.metadata.managedFields ?? [];
  const others = all.filter((entry) => !isOurs(entry, ours) && templateOf(entry) !== undefined);
  return others.length === 0 ? [] : all.filter((entry) => templateOf(entry) !== undefined);
}

const templateOf = ({ fieldsV1 }: ManagedFields): FieldsV1 | undefined => fieldsV1?.[TEMPLATE[0]]?.[TEMPLATE[1]];

/** Fields of the pods' template that others have set and we have not, those first that must be removed first. */
export function foreignTemplateFields(object: KubernetesObject, ours: string): readonly ForeignField[] {
  const managers = foreignManagers(object, ours);
  if (managers.length === 0) return [];
  const own = managers.filter((entry) => isOurs(entry, ours)).flatMap((entry) => templateOf(entry) ?? []);
  const template = (object as { readonly spec?: { readonly template?: unknown } }).spec?.template;
  const found = managers
    .filter((entry) => !isOurs(entry, ours))
    .flatMap(({ manager = 'unknown', ...entry }) =>
      pointersOf(templateOf(entry) ?? {}, own, template, '/spec/template').map((pointer) => ({ pointer, manager })),
    );
  const byPointer = new Map(found.map((field) => [field.pointer, field]));
  return [...byPointer.values()].sort((a, b) => byPosition(b.pointer, a.pointer));
}

/** Within a list the last comes off first, so that the places of the others hold. */
function byPosition(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (const [index, step] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (step === other) continue;
    const [number, otherNumber] = [Number(step), Number(other)];
    return Number.isNaN(number) || Number.isNaN(otherNumber) ? (step < other ? -1 : 1) : number - otherNumber;
  }
  return left.length - right.length;
}

function pointersOf(theirs: FieldsV1, ours: readonly FieldsV1[], value: unknown, pointer: string): readonly string[] {
  return Object.entries(theirs).flatMap(([step, inside]) => {
    // The place itself: whether it is ours too is decided where it is a step.
    if (step === '.') return [];
    const place = placeOf(step, value);
    if (place === undefined) return [];
    const own = ours.flatMap((fields) => fields[step] ?? []);
    const here = `${pointer}/${place.name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return own.length === 0 ? [here] : pointersOf(inside, own, place.value, here);
  });
}

/** Where a step of a field set leads; undefined when it is not there any more. */
function placeOf(step: string, value: unknown): { readonly name: string; readonly value: unknown } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const rest = step.slice(2);
  if (step.startsWith('f:')) {
    const inside = (value as Readonly<Record<string, unknown>>)[rest];
    return inside === undefined ? undefined : { name: rest, value: inside };
  }
  if (!Array.isArray(value)) return undefined;
  const wanted: unknown = step.startsWith('i:') ? Number(rest) : JSON.parse(rest);
  const index =
    typeof wanted === 'number' && step.startsWith('i:') ? wanted : value.findIndex((item) => matches(item, wanted));
  return index < 0 || index >= value.length ? undefined : { name: String(index), value: value[index] };
}

function matches(item: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return item === wanted;
  const fields = item as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([name, value]) => fields[name] === value);
}
