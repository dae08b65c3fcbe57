// The pods of a service of ours: one container that reads its configuration from a file, admitted under the standard `restricted`.
import type { Image, ServiceWorkload } from '../api/v1alpha1.ts';
import { CONFIG_FILE } from './config-map.ts';
import { type DefaultImage, imageReference } from './image-reference.ts';
import type { Manifest } from './manifest.ts';
import { placement, pullSecrets, restrictedContainer, restrictedPod } from './pod-settings.ts';
import { type Workload, workloadLabels, workloadSelector } from './workload.ts';

const CONFIG_FOLDER = '/etc/sluice/config';
/** Of every service of ours: health and metrics. */
export const HEALTH_PORT = 9100;

/** What a pod is made of. */
export interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/** What a pod is given beside its configuration. */
export interface PodInputs {
  readonly env: readonly object[];
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
}

export interface ServicePod extends PodInputs {
  /** What the custom resource says of the pods. */
  readonly pods: Pick<ServiceWorkload, 'resources' | 'scheduling' | 'podLabels' | 'podAnnotations'>;
  readonly image: Image;
  readonly defaultImage: DefaultImage;
  /** Its configuration file. */
  readonly config: Manifest;
  /** Ports beside that of health, by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Labels that the selectors of Services ask for. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Seconds from the signal to its end by force. */
  readonly stopSeconds: number;
  /** Seconds before the signal, in which it is known everywhere that the pod ends. */
  readonly preStopSeconds?: number;
}

export function podTemplate(workload: Workload, service: ServicePod): PodTemplate {
  const { podLabels = {}, podAnnotations, scheduling } = service.pods;
  const { labels = {}, stopSeconds, preStopSeconds = 0 } = service;
  return {
    metadata: {
      labels: { ...podLabels, ...workloadLabels(workload), ...labels },
      ...(podAnnotations === undefined ? {} : { annotations: podAnnotations }),
    },
    spec: {
      ...restrictedPod,
      ...pullSecrets(service.image),
      ...placement(scheduling, workloadSelector(workload)),
      terminationGracePeriodSeconds: preStopSeconds + stopSeconds,
      containers: [container(workload, service)],
      volumes: [{ name: 'config', configMap: { name: service.config.metadata.name } }, ...service.volumes],
    },
  };
}

function container({ component }: Workload, service: ServicePod): object {
  const probe = (path: string) => ({ httpGet: { path, port: 'health' } });
  const { pods, image, ports, preStopSeconds } = service;
  return {
    name: component,
    image: imageReference(image, service.defaultImage),
    imagePullPolicy: image.pullPolicy,
    args: [component, '--config', `${CONFIG_FOLDER}/${CONFIG_FILE}`],
    ...(service.env.length === 0 ? {} : { env: service.env }),
    ports: Object.entries({ ...ports, health: HEALTH_PORT }).map(([name, containerPort]) => ({
      ...{ name, containerPort, protocol: 'TCP' },
    })),
    resources: pods.resources,
    startupProbe: { ...probe('/livez'), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, timeoutSeconds: 5 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5, timeoutSeconds: 5 },
    ...(preStopSeconds === undefined ? {} : { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
    volumeMounts: [{ name: 'config', mountPath: CONFIG_FOLDER, readOnly: true }, ...service.volumeMounts],
    ...restrictedContainer,
  };
}

/** A setting whose value is the name of the pod. */
export const podNameAs = (variable: string) => ({
  name: variable,
  valueFrom: { fieldRef: { fieldPath: 'metadata.name' } },
});
