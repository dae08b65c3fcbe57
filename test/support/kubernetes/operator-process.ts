// The operator as a process beside a control plane, with its own account.
import { freePort } from '../free-port.ts';
import { ServiceProcess } from '../service-process.ts';
import type { OperatorAccount } from './operator-account.ts';

/**
 * Not started yet.
 * @param nodeFlags of Node itself; none by default @param directory for its log @param flags besides those by which it reaches the API server
 */
export const operatorProcess = async (
  { kubeconfig, namespace, nodeFlags = [] }: OperatorAccount & { readonly nodeFlags?: readonly string[] },
  directory: string,
  ...flags: readonly string[]
): Promise<ServiceProcess> =>
  new ServiceProcess({
    ...{ name: 'operator', command: 'operator', directory, nodeFlags, healthPort: await freePort() },
    flags: ['--kubeconfig', kubeconfig, '--namespace', namespace, ...flags],
  });
