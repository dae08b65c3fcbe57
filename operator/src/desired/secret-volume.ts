import type { KubernetesObject } from '../kubernetes/resource.ts';

/** Entries of a Secret as files of their names, mounted as a folder, whose files are exchanged when the Secret changes. */
export function secretVolume(name: string, secretName: string, keys: readonly string[]): object {
  return { name, secret: { secretName, defaultMode: 0o440, items: keys.map((key) => ({ key, path: key })) } };
}

const READ_AT_START = 'mining.sluice.dev/secret';

/** Annotation of pods that read a Secret when they start and never again: one that is made anew exchanges them. @param uid of the Secret */
export const readAtStart = (uid: string) => ({ [READ_AT_START]: uid });

/** The uid that pods of a workload have there; undefined where there is no such workload. */
export const secretReadAtStart = (workload: KubernetesObject | undefined): string | undefined =>
  (workload as PodMaker | undefined)?.spec?.template?.metadata?.annotations?.[READ_AT_START];

interface PodMaker extends KubernetesObject {
  readonly spec?: { readonly template?: { readonly metadata?: { readonly annotations?: Record<string, string> } } };
}
