import { CodedError } from '@sluice/runtime/errors';

/** Codes of what `kubectl sluice` can fail with, besides what the Kubernetes API says. */
export const kubectlErrorCodes = {
  'resource-unknown': 'There is no MiningPool, ProxyFleet or pod of that name in the namespace.',
  'resource-ambiguous': 'A MiningPool and a ProxyFleet have that name: miningpool/NAME or proxyfleet/NAME tells which.',
  'not-for-this': 'What was asked for is not possible with this resource or pod, as it is now.',
  'not-confirmed': 'Nobody confirmed what cannot be taken back; without a terminal it needs --yes.',
  'not-in-time': 'What was asked for is not done within the time; the operator goes on with it.',
} as const;
export type KubectlErrorCode = keyof typeof kubectlErrorCodes;

export class KubectlError extends CodedError<KubectlErrorCode> {
  override readonly name = 'KubectlError';
}
