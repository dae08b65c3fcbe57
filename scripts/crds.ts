// `npm run crds` writes the CustomResourceDefinitions and the operator's types from crds/src; with `--check` it writes nothing and fails
// where a file differs.
import { manifests } from './crds/manifests.ts';
import { types } from './crds/types.ts';
import { writeGenerated } from './generated-files.ts';

writeGenerated({ ...manifests(), ...(await types()) }, 'npm run crds');
