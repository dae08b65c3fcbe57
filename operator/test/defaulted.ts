// Resources as the API server gives them, without one: a manifest's own defaults filled in.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { filled } from '../../scripts/crds/defaults.ts';
import type { MiningPool, ProxyFleet } from '../src/api/v1alpha1.ts';

const crds = join(import.meta.dirname, '../../crds');
const read = (file: string) => parse(readFileSync(join(crds, file), 'utf8'));

/** A MiningPool of crds/examples. */
export const examplePool = (name: string): MiningPool => example(name, 'miningpools');

/** A ProxyFleet of crds/examples. */
export const exampleProxyFleet = (name: string): ProxyFleet => example(name, 'proxyfleets');

function example<T>(name: string, plural: string): T {
  const { openAPIV3Schema } = read(`mining.sluice.dev_${plural}.yaml`).spec.versions[0].schema;
  const { metadata, ...given } = read(`examples/${name}.yaml`);
  return {
    ...(filled(given, openAPIV3Schema) as object),
    metadata: {
      ...{ name: metadata.name, namespace: 'mining', uid: '6f1c7a52-0b7e-4a39-9d62-3c1f2b7d9e10' },
      ...{ generation: 1, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    },
  } as T;
}
