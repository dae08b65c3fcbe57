import { clusterImages } from './images.ts';
import { NodeNamespaces } from './node-namespaces.ts';
import { prepareClusterNode } from './node-packages.ts';

/**
 * Gives `work` what a command begins with to be run inside of a node's namespaces, and the variables by which `ClusterNode` is started there.
 * Nothing of the node is left when it resolves.
 */
export async function withClusterNode<T>(
  work: (enter: readonly string[], env: Record<string, string>) => T | Promise<T>,
): Promise<T> {
  await prepareClusterNode();
  const images = await clusterImages();
  const namespaces = await NodeNamespaces.start();
  try {
    return await work(namespaces.enter, { TMPDIR: namespaces.directory, TEST_CLUSTER_IMAGES: images.join() });
  } finally {
    await namespaces.stop();
  }
}
