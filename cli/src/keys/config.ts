import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { folderFault } from '@sluice/runtime/config/path-types';
import { hostPort, path, toggle } from '@sluice/runtime/config/value-types';
import { authoritySecretFile } from '@sluice/server/identity-settings';

export const keysSettings = defineConfig({
  file: {
    type: path(),
    default: 'data/authority.key',
    doc: 'Where the secret key goes, readable by its owner alone; by default where sluice start keeps its own. A file that exists is never overwritten.',
  },
  address: {
    type: hostPort(),
    default: { host: 'localhost', port: 3333 },
    doc: 'Host and port at which miners reach the pool, for the URL.',
  },
  show: { type: toggle(), default: false, doc: 'Makes no key: shows the public key of the one in the file.' },
  json: { type: toggle(), default: false, doc: 'Prints one JSON object.' },
});

/** A key is made where none is, and shown where one is. */
export const keysRule: ConfigRule<typeof keysSettings> = ({ file, show }, placeOf) => {
  if (show) {
    const { fault, allowed } = authoritySecretFile();
    const problem = fault?.(file);
    return problem === undefined ? [] : [{ setting: 'file', problem, allowed }];
  }
  if (existsSync(file)) {
    const allowed = `a file that does not exist yet; or ${placeOf('show')}, for the public key of this one`;
    return [{ setting: 'file', problem: `${file} exists already`, allowed }];
  }
  const problem = folderFault(dirname(file));
  return problem === undefined
    ? []
    : [{ setting: 'file', problem, allowed: 'a file in a folder that can be written, or made' }];
};
