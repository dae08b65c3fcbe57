// One node for all the files of tests on a cluster.
import { tmpdir } from 'node:os';
import type { TestProject } from 'vitest/node';
import { ClusterNode } from '../support/kubernetes/cluster-node.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the cluster's administrator. */
    readonly kubeconfig: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_CLUSTER_IMAGES: images } = process.env;
  if (images === undefined) throw new Error('these tests run inside of a node: npm run test:cluster');
  const node = await ClusterNode.start(tmpdir(), images.split(','));
  project.provide('kubeconfig', node.plane.kubeconfig);
  return () => node.stop();
}
