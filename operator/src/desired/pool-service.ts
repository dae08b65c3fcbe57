// What each service between the nodes and the gateways is made of.
import type { MiningPool } from '../api/v1alpha1.ts';
import { busAccess } from './bus-access.ts';
import { configMap } from './config-map.ts';
import { deployment } from './deployment.ts';
import { disruptionBudget } from './disruption-budget.ts';
import type { DefaultImage } from './image-reference.ts';
import type { Manifest } from './manifest.ts';
import { HEALTH_PORT, type PodInputs, podTemplate, type ServicePod } from './pod-template.ts';
import { type Workload, workloadLabels, workloadName } from './workload.ts';

/** The service's own deadline of 30 s, and closing its connection to the bus. */
const STOP_SECONDS = 60;

export interface ServiceManifests {
  readonly configMap: Manifest;
  /** A Deployment, or of template providers a StatefulSet. */
  readonly controller: Manifest;
  readonly disruptionBudget: Manifest;
  readonly services: readonly Manifest[];
}

/** A service, as it differs from the others. */
export interface PoolService {
  readonly infix: Workload['infix'];
  readonly component: Workload['component'];
  readonly replicas: number;
  readonly pods: ServicePod['pods'];
  /** For its configuration file, beside those of the bus, of health and of the log. */
  readonly settings: object;
  readonly inputs?: PodInputs;
  readonly ports?: ServicePod['ports'];
  /** Services in front of it; the others meet on the bus alone. */
  readonly services?: (workload: Workload) => readonly Manifest[];
  /** What keeps its pods; default: a Deployment. */
  readonly controller?: typeof deployment;
}

const nothing: PodInputs = { env: [], volumes: [], volumeMounts: [] };

export function poolService(pool: MiningPool, defaultImage: DefaultImage, service: PoolService): ServiceManifests {
  const { infix, component, replicas, pods, settings, inputs = nothing, ports = {}, services, controller } = service;
  const workload: Workload = { owner: pool, infix, component };
  const bus = busAccess(pool, component);
  const config = configMap(pool, workloadName(workload), workloadLabels(workload), {
    ...bus.settings,
    ...settings,
    health: `0.0.0.0:${HEALTH_PORT}`,
    logFormat: 'json',
  });
  const template = podTemplate(workload, {
    ...{ pods, image: pool.spec.image, defaultImage, config, ports, stopSeconds: STOP_SECONDS },
    env: [...inputs.env, ...bus.env],
    volumes: [...inputs.volumes, ...bus.volumes],
    volumeMounts: [...inputs.volumeMounts, ...bus.volumeMounts],
  });
  return {
    configMap: config,
    controller: (controller ?? deployment)(workload, template, replicas),
    disruptionBudget: disruptionBudget(workload),
    services: services?.(workload) ?? [],
  };
}
