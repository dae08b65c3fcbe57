// The schemas of the custom resources as they are written in crds/src: OpenAPI, where `$ref` names another file of that folder and keywords
// beside it replace those of that file. Keywords that begin with `x-sluice-` are ours and never reach Kubernetes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const source = join(import.meta.dirname, '../../crds/src');

/** A rule in CEL, and what is said where it is broken. */
interface ValidationRule {
  readonly rule: string;
  readonly message: string;
}

/** A schema as far as we read it; every other keyword goes along unread. */
export interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly $ref?: string;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
  /** What a field turns into: the operator's own doing, or settings of services by name. */
  readonly 'x-sluice-becomes'?: 'operator' | Readonly<Record<string, string | readonly string[]>>;
}

/** A CustomResourceDefinition with one version, whose schema may still hold references. */
export interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly [{ readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

/** The files that hold a kind each. */
export const kindFiles = ['mining-pool.yaml', 'proxy-fleet.yaml'] as const;

const readFile = (name: string): unknown => parse(readFileSync(join(source, name), 'utf8'));

/** The definition of a kind, its schema as written. */
export function readDefinition(name: (typeof kindFiles)[number]): Definition {
  return readFile(name) as Definition;
}

/** A schema of which others refer. */
export function readSchema(name: string): Schema {
  return readFile(name) as Schema;
}

/** The schema itself, or the one that it refers to with its own keywords in place of that one's. */
export function dereference(schema: Schema): Schema {
  const { $ref, ...own } = schema;
  return $ref === undefined ? schema : { ...readSchema($ref), ...own };
}

/** The schema with each one inside of it replaced by what `change` makes of it. */
export function mapInside(schema: Schema, change: (inside: Schema) => Schema): Schema {
  const { properties, items, additionalProperties } = schema;
  const entries = Object.entries(properties ?? {}).map(([name, inside]) => [name, change(inside)]);
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(entries) }),
    ...(items === undefined ? {} : { items: change(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: change(additionalProperties) }),
  };
}

/** The schema without any reference. */
export function whole(schema: Schema): Schema {
  return mapInside(dereference(schema), whole);
}

/** A schema within another, with the path that leads to it: `spec.nodes[].name`, `spec.podLabels{}`. */
export interface Place {
  readonly path: string;
  readonly schema: Schema;
  /** Whether a value of the schema around may be without it. */
  readonly optional: boolean;
  /** Those around it, from the outermost on. */
  readonly around: readonly Schema[];
}

/** The schema and all those inside of it, references followed, in the order of writing. */
export function places(schema: Schema, path = '', optional = false, around: readonly Schema[] = []): readonly Place[] {
  const own = dereference(schema);
  const inside = (each: Schema, name: string, mayLack: boolean) =>
    places(each, name.replace(/^\./, ''), mayLack, [...around, own]);
  return [
    { path, schema: own, optional, around },
    ...Object.entries(own.properties ?? {}).flatMap(([name, each]) =>
      inside(each, `${path}.${name}`, own.required?.includes(name) !== true),
    ),
    ...(own.items === undefined ? [] : inside(own.items, `${path}[]`, false)),
    ...(own.additionalProperties === undefined ? [] : inside(own.additionalProperties, `${path}{}`, false)),
  ];
}
