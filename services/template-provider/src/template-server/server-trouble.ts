// What the end of a connection says of the server, and one line for who has to mend it.
import { ClientError } from '@sluice/client/errors';
import { TemplateServerError } from '@sluice/client/template-errors';
import { messageOf } from '@sluice/runtime/errors';
import type { NodeTrouble } from '../node-source.ts';

export interface ServerTrouble {
  readonly trouble: NodeTrouble;
  readonly detail: string;
  /** The next attempt will meet the same. */
  readonly lasts: boolean;
}

const CLOCKS = 'its certificate is not valid at this time: set the clocks of this machine and of the server';

/** By the code of the handshake. */
const distrust: Readonly<Record<string, string>> = {
  'certificate-untrusted':
    'the server has not the authority key of its URL: compare the part behind the last slash with the key that the server shows',
  'certificate-version': 'its certificate has a version that is not known here',
  'certificate-not-yet-valid': CLOCKS,
  'certificate-expired': CLOCKS,
};

/** What answers is no server of Stratum V2. */
const notNoise: readonly string[] = ['act-length', 'decryption-failed'];

export function serverTrouble(reason: unknown): ServerTrouble {
  const detail = messageOf(reason);
  if (reason instanceof ClientError && reason.code === 'client-handshake-failed') {
    const untrusted = distrust[detail];
    if (untrusted !== undefined) return { trouble: 'untrusted', detail: `${untrusted} (${detail})`, lasts: true };
    const trouble = notNoise.includes(detail) ? 'protocol-fault' : 'unreachable';
    return { trouble, detail: `the handshake failed: ${detail}`, lasts: false };
  }
  if (reason instanceof ClientError && reason.code === 'client-protocol-fault')
    return { trouble: 'protocol-fault', detail, lasts: false };
  if (reason instanceof TemplateServerError) {
    if (reason.code === 'template-server-refused')
      return { trouble: 'setup-refused', detail: `it refuses template distribution: ${detail}`, lasts: true };
    if (reason.code === 'template-server-fault') return { trouble: 'protocol-fault', detail, lasts: false };
  }
  return { trouble: 'unreachable', detail, lasts: false };
}
