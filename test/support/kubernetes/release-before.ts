// The release before this one, as far as it is kept: its chart, and resources that were written for its definitions.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '../../release-before');
const [archive = ''] = globSync('sluice-*.tgz', { cwd: folder });
// biome-ignore lint/suspicious/noExplicitAny: its types were those of that release.
const read = (file: string): any => parse(readFileSync(join(folder, file), 'utf8'));

/** Its chart, packaged. */
export const CHART_BEFORE = join(folder, archive);
/** What its objects say of themselves in the label `helm.sh/chart`. */
export const CHART_NAME_BEFORE = basename(archive, '.tgz');
export const poolBefore = read('mining-pool.yaml');
/** It mines for that pool, where both are in one namespace. */
export const fleetBefore = read('proxy-fleet.yaml');
