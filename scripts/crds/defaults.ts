// Defaults written out. The API server fills in the defaults inside of a default by itself, but checks the rules of a schema on its
// default before that, and refuses a definition where they then find a field missing.
import { mapInside, type Schema } from './schema.ts';

/** The schema, without references, with every default holding those of the fields inside of it. */
export function withWholeDefaults(schema: Schema): Schema {
  const own = schema.default === undefined ? schema : { ...schema, default: filled(schema.default, schema) };
  return mapInside(own, withWholeDefaults);
}

/** A value of the schema, without references, with the defaults of what it leaves out: what the API server makes of it. */
export function filled(value: unknown, schema: Schema): unknown {
  const { properties, items } = schema;
  if (Array.isArray(value)) return items === undefined ? value : value.map((each) => filled(each, items));
  if (typeof value !== 'object' || value === null || properties === undefined) return value;
  const given = value as Readonly<Record<string, unknown>>;
  const entries = Object.entries(properties)
    .map(([name, each]) => [name, filled(given[name] ?? each.default, each)])
    .filter(([, each]) => each !== undefined);
  return { ...given, ...Object.fromEntries(entries) };
}
