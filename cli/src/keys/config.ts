import { defineConfig } from '@sluice/runtime/config';
import { hostPort, path, toggle } from '@sluice/runtime/config/value-types';

export const keysSettings = defineConfig({
  file: {
    type: path(),
    default: 'authority.key',
    doc: 'Where the secret key goes, readable by its owner alone. A file that exists is never overwritten.',
  },
  address: {
    type: hostPort(),
    default: { host: 'localhost', port: 3333 },
    doc: 'Host and port at which miners reach the pool, for the URL.',
  },
  show: { type: toggle(), default: false, doc: 'Makes no key: shows the public key of the one in the file.' },
  json: { type: toggle(), default: false, doc: 'Prints one JSON object.' },
});
