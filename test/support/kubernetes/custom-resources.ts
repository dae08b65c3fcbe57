// The custom resources on an API server: their definitions applied, and where an object of them is found.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { waitFor } from '../wait-for.ts';
import { taken } from './api-client.ts';
import type { ControlPlane } from './control-plane.ts';

const folder = join(import.meta.dirname, '../../../crds');
const plurals = { MiningPool: 'miningpools', ProxyFleet: 'proxyfleets' } as const;

export interface CustomObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Path of an object, in namespace default where it names none. */
export function pathOf({ kind, metadata }: CustomObject): string {
  const plural = plurals[kind as keyof typeof plurals];
  return `/apis/mining.sluice.dev/v1alpha1/namespaces/${metadata.namespace ?? 'default'}/${plural}/${metadata.name}`;
}

/**
 * Resolves when the API server serves both kinds. The garbage collector asks for new kinds every 30 seconds, so that what an object of them
 * owns may outlive it for that long.
 */
export async function applyCustomResourceDefinitions(plane: ControlPlane): Promise<void> {
  const client = plane.client();
  for (const file of globSync('*.yaml', { cwd: folder })) {
    const definition = parse(readFileSync(join(folder, file), 'utf8'));
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`;
    taken(await client.apply(path, definition));
    await waitFor(async () => {
      const conditions: readonly { type: string; status: string }[] =
        (await client.get(path)).body.status.conditions ?? [];
      return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
    });
    // What is established may still be refused for a moment: its storage is made with the first request.
    const list = `/apis/mining.sluice.dev/v1alpha1/${definition.spec.names.plural}`;
    await waitFor(async () => (await client.get(list)).status === 200);
  }
}
