// The CustomResourceDefinitions as Kubernetes takes them: one file for each kind, without references.
import { stringify } from 'yaml';
import { withWholeDefaults } from './defaults.ts';
import { type Definition, kindFiles, mapInside, readDefinition, type Schema, whole } from './schema.ts';

/** Text by path, named as controller-gen names them. */
export function manifests(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    kindFiles.map((file) => {
      const definition = readDefinition(file);
      const path = `crds/mining.sluice.dev_${definition.spec.names.plural}.yaml`;
      const heading = `# Generated from crds/src/${file} by npm run crds.\n`;
      return [path, heading + stringify(complete(definition), { lineWidth: 0, aliasDuplicateObjects: false })];
    }),
  );
}

/** The definition as Kubernetes takes it. */
function complete(definition: Definition): Definition {
  const [version] = definition.spec.versions;
  const openAPIV3Schema = withWholeDefaults(withoutOwnKeywords(whole(version.schema.openAPIV3Schema)));
  return { ...definition, spec: { ...definition.spec, versions: [{ ...version, schema: { openAPIV3Schema } }] } };
}

function withoutOwnKeywords(schema: Schema): Schema {
  const { title: _title, 'x-sluice-becomes': _becomes, ...own } = schema;
  return mapInside(own, withoutOwnKeywords);
}
