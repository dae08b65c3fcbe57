// A Kubernetes control plane's programs, built into the cache ahead of the suites that need them: on a new machine that takes longer than
// a suite may wait. Where they cannot be built, the suites say why.
import { kubernetesPrograms, whyNoKubernetes } from '../test/support/kubernetes/binaries.ts';

if (whyNoKubernetes() === undefined) await kubernetesPrograms();
