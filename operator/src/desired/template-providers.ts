import type { MiningPool } from '../api/v1alpha1.ts';
import type { DefaultImage } from './image-reference.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';
import { nodeAccess } from './node-access.ts';
import { type PodTemplate, podNameAs } from './pod-template.ts';
import { poolService, type ServiceManifests } from './pool-service.ts';
import { type Workload, workloadLabels, workloadName, workloadSelector } from './workload.ts';

export const SOLUTION_PORT = 8337;
/** Transactions of templates, which the other providers have as well. */
const TEMPLATE_FOLDER = '/var/lib/sluice/templates';
const TEMPLATE_BYTES = 2_000_000_000;
/** Above the bound that the provider keeps to, since a pod that exceeds this is ended. */
const TEMPLATE_VOLUME_SIZE = '3Gi';

/** Where gateways send block candidates without the bus. */
export const providerEndpoint = ({ metadata }: MiningPool) => `${metadata.name}-tp:${SOLUTION_PORT}`;

export function templateProviders(pool: MiningPool, image: DefaultImage): ServiceManifests {
  const { network, services } = pool.spec;
  const nodes = nodeAccess(pool);
  return poolService(pool, image, {
    infix: 'tp',
    component: 'template-provider',
    replicas: services.templateProvider.replicas,
    pods: services.templateProvider,
    settings: {
      network,
      bitcoind: nodes.urls,
      solutionListen: `0.0.0.0:${SOLUTION_PORT}`,
      templateDirectory: TEMPLATE_FOLDER,
      templateDirectoryBytes: TEMPLATE_BYTES,
    },
    inputs: {
      env: [podNameAs('SLUICE_PROVIDER')],
      volumes: [{ name: 'templates', emptyDir: { sizeLimit: TEMPLATE_VOLUME_SIZE } }, ...nodes.volumes],
      volumeMounts: [{ name: 'templates', mountPath: TEMPLATE_FOLDER }, ...nodes.volumeMounts],
    },
    ports: { solutions: SOLUTION_PORT },
    services: (workload) => [solutionService(workload)],
    controller: statefulSet,
  });
}

/** Of each provider its own address, ready or not: a block is taken while the bus is away, without which nobody is ready. */
function solutionService(workload: Workload): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: workloadSelector(workload),
      ports: [{ name: 'solutions', protocol: 'TCP', port: SOLUTION_PORT, targetPort: 'solutions' }],
    },
  };
}

/** Its pods keep their names, and a provider its place in the stream of solutions, of which every name has one for ever. */
function statefulSet(workload: Workload, template: PodTemplate, replicas: number): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      replicas,
      revisionHistoryLimit: 1,
      serviceName: workloadName(workload),
      // One that cannot start must not keep the others from starting.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: workloadSelector(workload) },
      template,
    },
  };
}
