// A Kubernetes control plane's programs, kwok, which plays its nodes, Helm and Tilt, built into the cache ahead of the suites that need them: on a new
// machine that takes longer than a suite may wait. With `--node` what a node needs as well. Where they cannot be built, the suites say why.
import { controlPlanePrograms, kubernetesPrograms, whyNoKubernetes } from '../test/support/kubernetes/binaries.ts';
import { prepareClusterNode, whyNoClusterNode } from '../test/support/kubernetes/node-packages.ts';

const programs = [...controlPlanePrograms, 'kwok', 'helm', 'tilt'] as const;
if (whyNoKubernetes(programs) === undefined) await kubernetesPrograms(programs);
if (process.argv.includes('--node') && (await whyNoClusterNode()) === undefined) await prepareClusterNode();
