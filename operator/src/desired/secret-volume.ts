/** Entries of a Secret as files of their names, mounted as a folder, whose files are exchanged when the Secret changes. */
export function secretVolume(name: string, secretName: string, keys: readonly string[]): object {
  return { name, secret: { secretName, defaultMode: 0o440, items: keys.map((key) => ({ key, path: key })) } };
}

/** Annotation of pods that read a Secret when they start and never again: one that is made anew exchanges them. @param uid of the Secret */
export const readAtStart = (uid: string) => ({ 'mining.sluice.dev/secret': uid });
