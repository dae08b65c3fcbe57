// What every field of a custom resource has: words, bounds, and a setting of a service where it becomes one.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namedSettings, type Settings } from '@sluice/runtime/config';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Definition,
  kindFiles,
  type Place,
  places,
  readDefinition,
  type Schema,
} from '../../scripts/crds/schema.ts';
import { declaredTables } from '../../scripts/docs/declared-tables.ts';

const root = join(import.meta.dirname, '../..');
const files = globSync('crds/*.yaml', { cwd: root }).sort();
const definitions = files.map((file) => parse(readFileSync(join(root, file), 'utf8')) as Definition);

const schemaOf = (definition: Definition) => definition.spec.versions[0].schema.openAPIV3Schema;
/** All of it but the metadata, which is Kubernetes' own. */
const fieldsOf = (definition: Definition) => places(schemaOf(definition)).filter(({ path }) => path !== 'metadata');
const specOf = (definition: Definition) => fieldsOf(definition).filter(({ path }) => /^spec\b/.test(path));

const isInteger = ({ schema }: Place) => schema.type === 'integer' && schema.enum === undefined;
const isString = ({ schema }: Place) =>
  (schema.type === 'string' && schema.enum === undefined) || schema['x-kubernetes-int-or-string'] === true;
const isList = ({ schema }: Place) => schema.type === 'array';
const isMap = ({ schema }: Place) =>
  schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true;

/** Paths of the fields of which `what` holds and `good` does not. */
const without = (all: readonly Place[], what: (place: Place) => boolean, good: (schema: Schema) => unknown) =>
  all.filter((place) => what(place) && good(place.schema) === undefined).map(({ path }) => path);

describe.each(definitions)('the definition of $spec.names.kind', (definition) => {
  const all = fieldsOf(definition);

  it('has something to check of each kind', () => {
    expect(all.length).toBeGreaterThan(100);
    for (const kind of [isInteger, isString, isList, isMap]) expect(all.filter(kind).length).toBeGreaterThan(2);
  });

  it('says of each field what it means', () => {
    expect(
      without(
        all,
        () => true,
        ({ description }) => description,
      ),
    ).toEqual([]);
    expect(all.filter(({ schema }) => schema.description?.endsWith('.') === false).map(({ path }) => path)).toEqual([]);
  });

  it('bounds every string, list, map and number', () => {
    expect(without(all, isString, ({ maxLength }) => maxLength)).toEqual([]);
    expect(without(all, isList, ({ maxItems }) => maxItems)).toEqual([]);
    expect(without(all, isList, (schema) => schema['x-kubernetes-list-type'])).toEqual([]);
    expect(without(all, isMap, ({ maxProperties }) => maxProperties)).toEqual([]);
    expect(without(all, isInteger, ({ minimum }) => minimum)).toEqual([]);
    expect(without(specOf(definition), isInteger, ({ maximum }) => maximum)).toEqual([]);
  });

  it('knows the type of each field', () => {
    const typeless = all.filter(({ schema }) => schema.type === undefined && !schema['x-kubernetes-int-or-string']);
    expect(typeless.map(({ path }) => path)).toEqual([]);
    const open = all.filter(({ schema }) => schema['x-kubernetes-preserve-unknown-fields']).map(({ path }) => path);
    expect(open.filter((path) => !path.endsWith('scheduling.affinity'))).toEqual([]);
  });

  it('says in words what each rule is about', () => {
    const rules = all.flatMap(({ schema }) => schema['x-kubernetes-validations'] ?? []);
    expect(rules.filter(({ message }) => message === undefined)).toEqual([]);
    const ruleByMessage = new Map(rules.map(({ rule, message }) => [message, rule]));
    expect(rules.filter(({ rule, message }) => ruleByMessage.get(message) !== rule)).toEqual([]);
  });

  it('lets no field that cannot be changed be removed and set anew', () => {
    const fixed = all.filter(({ schema }) =>
      schema['x-kubernetes-validations']?.some(({ rule }) => rule === 'self == oldSelf'),
    );
    expect(fixed.length).toBeGreaterThan(0);
    const removable = fixed.filter(({ schema, optional }) => optional && schema.default === undefined);
    expect(removable.map(({ path }) => path)).toEqual([]);
  });

  it('scales by a field that is always there', () => {
    const [version] = definition.spec.versions as unknown as [
      { subresources: { scale: { specReplicasPath: string } } },
    ];
    const path = version.subresources.scale.specReplicasPath.slice(1);
    const field = all.find((place) => place.path === path);
    expect(field?.schema.default).toBe(2);
    const fleet = all.find((place) => place.path === path.replace('.replicas', ''));
    expect(fleet?.optional).toBe(false);
  });

  it('has no list by name with entries by default, which server-side apply would keep beside the entries of the user', () => {
    const defaults = all.filter(({ schema }) => JSON.stringify(schema.default ?? '').includes('[{'));
    expect(defaults.map(({ path }) => path)).toEqual([]);
  });

  it('is small enough to be applied and kept', () => {
    expect(JSON.stringify(definition).length).toBeLessThan(200_000);
  });
});

describe('custom resources', () => {
  it('are checked in both of their definitions', () => {
    expect(definitions.map(({ spec }) => spec.names.kind)).toEqual(['MiningPool', 'ProxyFleet']);
    expect(files).toEqual(definitions.map(({ spec }) => `crds/mining.sluice.dev_${spec.names.plural}.yaml`));
  });

  it('have the same fleet', () => {
    const [gateways, proxies] = ['gateways', 'proxies'].map((name, index) => {
      const spec = schemaOf(definitions[index] as Definition).properties?.spec;
      return { ...spec?.properties?.[name], description: '', default: {} };
    });
    expect(gateways?.properties).toHaveProperty('autoscaling');
    expect(gateways).toEqual(proxies);
  });

  it('say of every field of a spec whether it becomes a setting, and of which service', async () => {
    const becomes = ({ schema, around }: Place) =>
      [...around, schema].findLast((each) => each['x-sluice-becomes'])?.['x-sluice-becomes'];
    const leaves = kindFiles
      .flatMap((file) => specOf(readDefinition(file)))
      .filter(({ schema }) => (schema.properties ?? schema.items ?? schema.additionalProperties) === undefined);
    expect(leaves.filter((leaf) => becomes(leaf) === undefined).map(({ path }) => path)).toEqual([]);

    const tables = await declaredTables('services/*/src/config.ts', /Settings$/);
    const settings = new Set(
      tables.flatMap(({ owner, table }) => namedSettings(table as Settings).map(({ name }) => `${owner} ${name}`)),
    );
    const named = leaves.flatMap((leaf) => {
      const found = becomes(leaf);
      if (found === undefined || found === 'operator') return [];
      return Object.entries(found).flatMap(([service, names]) => [names].flat().map((name) => `${service} ${name}`));
    });
    expect(named).toContain('connection-gateway drainSeconds');
    expect(named.filter((name) => !settings.has(name))).toEqual([]);
    const services = new Set(tables.map(({ owner }) => owner));
    expect(named.filter((name) => !services.has(name.split(' ')[0] ?? ''))).toEqual([]);
  });
});
