import { stringify } from 'yaml';
import type { Manifest } from '../src/desired/manifest.ts';

/** Manifests as a golden file holds them. */
export const asYaml = (manifests: readonly Manifest[]): string =>
  manifests.map((each) => stringify(each, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
