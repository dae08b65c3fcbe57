// The TypeScript types of the custom resources, one for each file of crds/src. They are of objects as the API server gives them: what has a
// default is always there.
import { compile } from 'json-schema-to-typescript';
import { dereference, kindFiles, mapInside, readDefinition, readSchema, type Schema } from './schema.ts';

/** A keyword of the compiler: this type, whatever the schema says. */
interface TypedSchema extends Schema {
  readonly tsType: string;
}

/** Text by path. */
export async function types(): Promise<Readonly<Record<string, string>>> {
  const kinds = kindFiles.map((file) => readDefinition(file).spec.versions[0].schema.openAPIV3Schema);
  const files = new Set(kinds.flatMap(referencedFiles));
  const schemas = [...kinds.map(ofKind), ...[...files].map(readSchema)];
  const declarations: string[] = [];
  for (const schema of schemas) declarations.push(await declaration(schema));
  const heading = [
    '// The custom resources as the API server gives them. Generated from crds/src by npm run crds.',
    "import type { ObjectMeta } from './object-meta.ts';",
  ];
  return { 'operator/src/api/v1alpha1.ts': `${[heading.join('\n'), ...declarations].join('\n\n')}\n` };
}

function referencedFiles(schema: Schema): readonly string[] {
  const { $ref } = schema;
  if ($ref !== undefined) return [$ref, ...referencedFiles(readSchema($ref))];
  const { properties, items, additionalProperties } = schema;
  const inside = [...Object.values(properties ?? {}), items, additionalProperties];
  return inside.flatMap((each) => (each === undefined ? [] : referencedFiles(each)));
}

/** The API server leaves none of these out. */
function ofKind(schema: Schema): Schema {
  const constant = (description: string, tsType: string) => ({ description, tsType }) as TypedSchema;
  const { apiVersion, kind } = schema.properties ?? {};
  const properties = {
    ...schema.properties,
    apiVersion: constant(apiVersion?.description ?? '', "'mining.sluice.dev/v1alpha1'"),
    kind: constant(kind?.description ?? '', `'${schema.title}'`),
    metadata: constant('Name, namespace, labels and annotations.', 'ObjectMeta'),
  };
  return { ...schema, properties, required: ['apiVersion', 'kind', 'metadata', 'spec'] };
}

async function declaration(schema: Schema): Promise<string> {
  const text = await compile(mapInside(withDefaultsThere(schema), typed) as object, schema.title ?? '', {
    additionalProperties: false,
    bannerComment: '',
    ignoreMinAndMaxItems: true,
    unknownAny: true,
    style: { singleQuote: true, printWidth: 120 },
  });
  return text.trim();
}

/** A reference becomes the name of its type. */
function typed(schema: Schema): Schema {
  const { title, description } = dereference(schema);
  if (schema.$ref !== undefined) return { description, tsType: title } as TypedSchema;
  if (schema['x-kubernetes-preserve-unknown-fields'] === true)
    return { description, tsType: 'Record<string, unknown>' } as TypedSchema;
  return mapInside(withDefaultsThere(schema), typed);
}

function withDefaultsThere(schema: Schema): Schema {
  const { properties } = schema;
  if (properties === undefined) return schema;
  const defaulted = Object.keys(properties).filter((name) => dereference(properties[name] ?? {}).default !== undefined);
  return { ...schema, required: [...new Set([...(schema.required ?? []), ...defaulted])] };
}
