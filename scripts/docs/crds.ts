// docs/reference/crds.md from the schemas of the custom resources.
import { type Definition, dereference, kindFiles, readDefinition, type Schema } from '../crds/schema.ts';
import { cell } from './declared-tables.ts';

/** One row of a table. */
interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
  readonly becomes: Schema['x-sluice-becomes'];
}

/** The whole document. */
export function renderCrds(): string {
  const definitions = kindFiles.map((file) => readDefinition(file));
  const kinds = definitions.map((definition) => kindSection(definition));
  const shared = sharedSchemas(definitions.flatMap(partsOf)).map((schema) => sharedSection(schema));
  const intro = [
    '# Custom resources',
    '',
    'Group `mining.sluice.dev`, version `v1alpha1`, in the short names and the category `sluice` that `kubectl get` knows. The first column is the path of a field;',
    '`[]` is each entry of a list, `{}` each value of a map. Rules in words are checked by the API server, which answers with these words where one is broken. The last',
    'column names the settings of services that a field becomes ([config.md](config.md)); a field without one is for the operator itself. Generated from `crds/src`.',
  ];
  return `${[intro.join('\n'), ...kinds, ...shared].join('\n\n')}\n`;
}

const rootOf = (definition: Definition) => definition.spec.versions[0].schema.openAPIV3Schema;

/** The schemas that stand under their kind. */
const partsOf = (definition: Definition) =>
  ['spec', 'status'].map((name) => dereference(rootOf(definition).properties?.[name] ?? {}));

function kindSection(definition: Definition): string {
  const root = rootOf(definition);
  const tables = partsOf(definition).map((part, index) => {
    const name = index === 0 ? 'spec' : 'status';
    return `### ${definition.spec.names.kind} ${name}\n\n${part.description}\n\n${rulesOf(part)}${table(fields(part, name))}`;
  });
  return [`## ${definition.spec.names.kind}`, `${root.description}\n\n${rulesOf(root)}`.trimEnd(), ...tables].join(
    '\n\n',
  );
}

function sharedSection(schema: Schema): string {
  const rows = schema.items === undefined ? fields(schema, '') : field(schema.items, '[]', false, undefined);
  return `## ${schema.title}\n\n${schema.description}\n\n${rulesOf(schema)}${table(rows)}`;
}

const messages = (schema: Schema) => (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message);

const rulesOf = (schema: Schema) => {
  const list = messages(schema).map((message) => `- ${message}`);
  return list.length === 0 ? '' : `Rules:\n\n${list.join('\n')}\n\n`;
};

/** Schemas of other files that have fields of their own, each once, in the order in which they are met. */
function sharedSchemas(schemas: readonly Schema[]): readonly Schema[] {
  const found = new Map<string, Schema>();
  const visit = (schema: Schema) => {
    const own = dereference(schema);
    const { title } = own;
    if (schema.$ref !== undefined && isShared(schema) && title !== undefined)
      found.set(title, dereference({ $ref: schema.$ref }));
    for (const inside of [...Object.values(own.properties ?? {}), own.items, own.additionalProperties])
      if (inside !== undefined) visit(inside);
  };
  for (const schema of schemas) visit(schema);
  return [...found.values()];
}

/** Whether a schema has a section of its own: it stands in another file and has fields. */
function isShared(schema: Schema): boolean {
  const { properties, items } = dereference(schema);
  return schema.$ref !== undefined && (properties ?? items) !== undefined;
}

function fields(schema: Schema, path: string, around?: Schema['x-sluice-becomes']): readonly Field[] {
  const becomes = schema['x-sluice-becomes'] ?? around;
  return Object.entries(schema.properties ?? {}).flatMap(([name, each]) =>
    field(each, path === '' ? name : `${path}.${name}`, schema.required?.includes(name) === true, becomes),
  );
}

function field(schema: Schema, path: string, required: boolean, around: Schema['x-sluice-becomes']): readonly Field[] {
  const own = dereference(schema);
  const becomes = own['x-sluice-becomes'] ?? around;
  const row = { path, schema: isShared(schema) ? { ...own, $ref: schema.$ref ?? '' } : own, required, becomes };
  if (isShared(schema)) return [row];
  return [
    row,
    ...fields(own, path, becomes),
    ...(own.items === undefined ? [] : field(own.items, `${path}[]`, false, becomes)),
    ...(own.additionalProperties === undefined ? [] : field(own.additionalProperties, `${path}{}`, false, becomes)),
  ];
}

function table(rows: readonly Field[]): string {
  const lines = rows.map(({ path, schema, required, becomes }) => {
    const shared = schema.$ref !== undefined;
    const columns = [
      `\`${path}\``,
      shared ? `[${schema.title}](#${schema.title?.toLowerCase()})` : typeOf(schema),
      defaultOf(schema, required),
      allowed(schema),
      [schema.description ?? '', ...(shared ? [] : messages(schema).map((message) => `Rule: ${message}.`))].join(' '),
      settings(becomes),
    ];
    return `| ${columns.map(cell).join(' | ')} |`;
  });
  return `| field | type | default | allowed | meaning and rules | becomes |\n|---|---|---|---|---|---|\n${lines.join('\n')}`;
}

function typeOf(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or string';
  if (schema.type === 'array')
    return schema['x-kubernetes-list-type'] === 'map'
      ? `list by ${schema['x-kubernetes-list-map-keys']?.join(' and ')}`
      : 'list';
  return schema.additionalProperties === undefined ? (schema.type ?? '') : 'map';
}

function defaultOf({ default: value }: Schema, required: boolean): string {
  if (value === undefined) return required ? 'required' : '';
  return `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``;
}

function allowed(schema: Schema): string {
  const range = (low: number | undefined, high: number | undefined, what: string) => {
    if (high === undefined) return low === undefined ? [] : [`${low} or more${what}`];
    return [low === undefined ? `up to ${high}${what}` : `${low} to ${high}${what}`];
  };
  return [
    ...(schema.enum === undefined ? [] : [schema.enum.map((value) => `\`${value}\``).join(', ')]),
    ...range(schema.minimum, schema.maximum, ''),
    ...range(schema.minLength, schema.maxLength, ' characters'),
    ...range(schema.minItems, schema.maxItems, ' entries'),
    ...range(undefined, schema.maxProperties, ' entries'),
    ...(schema.pattern === undefined ? [] : [`\`${schema.pattern}\``]),
  ].join('; ');
}

function settings(becomes: Schema['x-sluice-becomes']): string {
  if (becomes === undefined || becomes === 'operator') return '';
  const texts = Object.entries(becomes).map(
    ([service, names]) =>
      `${service} ${[names]
        .flat()
        .map((name) => `\`${name}\``)
        .join(', ')}`,
  );
  return texts.join('; ');
}
