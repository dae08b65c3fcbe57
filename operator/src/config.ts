import { defineConfig } from '@sluice/runtime/config';
import { readableFile } from '@sluice/runtime/config/path-types';
import { integer, listOf, text, type ValueType } from '@sluice/runtime/config/value-types';
import type { DefaultImage } from './desired/image-reference.ts';

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const namespaceName = text({ allowed: 'the name of a namespace', placeholder: 'NAME', pattern: dnsLabel });

/** `repository:tag` or `repository@digest`; a registry may have a port. */
function imageType(): ValueType<DefaultImage> {
  return {
    allowed: 'an image, as REPOSITORY:TAG or REPOSITORY@DIGEST',
    placeholder: 'IMAGE',
    parse(value) {
      const match = /^([^\s@]+?)(?:@(sha256:[0-9a-f]{64})|:([\w][\w.-]{0,127}))$/.exec(value);
      return match === null ? undefined : { repository: match[1] ?? '', tag: match[3] ?? '', digest: match[2] ?? '' };
    },
    format: ({ repository, tag, digest }) => (digest === '' ? `${repository}:${tag}` : `${repository}@${digest}`),
  };
}

export const operatorSettings = defineConfig({
  image: {
    type: imageType(),
    doc: 'The image that services run where a resource names no other.',
  },
  natsImage: {
    type: imageType(),
    default: { repository: 'nats', tag: '2.15.2-alpine', digest: '' },
    doc: 'The image of NATS servers that the operator runs, where a resource names no other.',
  },
  bitcoindImage: {
    type: imageType(),
    default: { repository: 'bitcoin/bitcoin', tag: '29.0', digest: '' },
    doc: 'The image of Bitcoin nodes that the operator runs, where a resource names no other.',
  },
  monitoringNamespace: {
    type: namespaceName,
    default: 'monitoring',
    doc: 'The namespace that collects metrics, which network policies let in.',
  },
  kubeconfig: {
    type: readableFile({ holds: 'a kubeconfig' }),
    optional: true,
    doc: 'How the Kubernetes API is reached from outside of the cluster; without it as the pod that this runs in.',
  },
  watchNamespaces: {
    type: listOf(namespaceName),
    default: [],
    doc: 'Namespaces whose resources are acted on; empty: all.',
  },
  namespace: {
    type: namespaceName,
    optional: true,
    doc: 'Where the lease is; without it the namespace of the pod that this runs in.',
  },
  leaseName: {
    type: text({
      allowed: 'a name in Kubernetes',
      placeholder: 'NAME',
      pattern: /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
    }),
    default: 'sluice-operator',
    doc: 'The lease by which one of several operators leads.',
  },
  podUrl: {
    type: text({
      allowed: 'an http:// URL with {ip}, or with {namespace} and {name}, and no slash at its end',
      placeholder: 'URL',
      pattern: /^http:\/\/(?=.*(\{ip\}|\{namespace\}.*\{name\}))\S*[^\s/]$/,
    }),
    default: 'http://{ip}:9100',
    doc: 'Where pods are asked for their connections, and told which of them are to go.',
  },
  scrapeSeconds: {
    type: integer({ min: 1, max: 15 }),
    default: 12,
    doc: 'Seconds between two questions to a pod with which nothing happens.',
  },
  workers: {
    type: integer({ min: 1, max: 64 }),
    default: 4,
    doc: 'Resources of one kind that are worked on at once.',
  },
});
