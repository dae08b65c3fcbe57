// What a request to the Kubernetes API can come to other than its answer.
import { CodedError } from '@sluice/runtime/errors';

/** Codes of errors of the API with the condition of each. */
export const kubernetesErrorCodes = {
  'api-unreachable': 'The Kubernetes API could not be asked, or the connection ended before its answer did.',
  'api-timeout':
    'The Kubernetes API did not answer within the deadline of a request, or a watch said nothing for too long.',
  'api-forbidden': 'The Kubernetes API does not let the operator do this (401 or 403): its token or its roles.',
  'api-not-found': 'There is no such object, or no such kind (404).',
  'api-conflict':
    'The object is another one, or another version, than the write was meant for, or is there already (409).',
  'api-expired': 'The API server no longer knows what has changed since the version that was named (410).',
  'api-invalid': 'The API server refuses the object as it is (422).',
  'api-busy': 'The API server takes no more requests for the moment (429).',
  'api-failed': 'The API server, or something behind it, failed (5xx).',
  'api-refused': 'The API server refuses the request for another reason (4xx).',
  'api-answer': 'What the API server sent is not what it should be: no JSON, or larger than any object can be.',
  'access-unusable':
    'The kubeconfig, or what the pod was given in its place, does not say how the Kubernetes API is reached.',
} as const;
export type KubernetesErrorCode = keyof typeof kubernetesErrorCodes;

export class KubernetesError extends CodedError<KubernetesErrorCode> {
  override readonly name = 'KubernetesError';
  /** Of HTTP; undefined when there was no answer. */
  readonly status: number | undefined;
  /** For how long the API server wants to be left alone; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: KubernetesErrorCode,
    message: string,
    { status, retryAfterMs, cause }: { status?: number; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(code, message, cause);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

const codeOfStatus: Readonly<Record<number, KubernetesErrorCode>> = {
  401: 'api-forbidden',
  403: 'api-forbidden',
  404: 'api-not-found',
  409: 'api-conflict',
  410: 'api-expired',
  422: 'api-invalid',
  429: 'api-busy',
};

/**
 * The error that a status of HTTP, or of a `Status` object, is.
 * @param retryAfter the header's seconds
 */
export function errorOfStatus(status: number, message: string, retryAfter?: string): KubernetesError {
  const code = codeOfStatus[status] ?? (status >= 500 ? 'api-failed' : 'api-refused');
  const seconds = Number(retryAfter);
  return new KubernetesError(code, message, {
    status,
    retryAfterMs: retryAfter !== undefined && seconds >= 0 ? seconds * 1_000 : undefined,
  });
}

/** Whether an error of the API has this code. */
export function isKubernetesError(error: unknown, code: KubernetesErrorCode): error is KubernetesError {
  return error instanceof KubernetesError && error.code === code;
}

/** For `catch`: what is not there is undefined when it was read, and well when it was to go. */
export function ignoreNotFound(error: unknown): undefined {
  if (!isKubernetesError(error, 'api-not-found')) throw error;
}
