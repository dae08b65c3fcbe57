// Managed NATS servers are told to read their users again, over their system account.
import { connect } from '@nats-io/transport-node';
import type { MiningPool } from '../api/v1alpha1.ts';
import type { Term } from '../apply/writer.ts';
import { natsPorts } from '../desired/nats-names.ts';

const TIMEOUT_MS = 5_000;
/** For the answers of all servers. */
const PING_MS = 2_000;

export interface ReloadRequest {
  readonly pool: Pick<MiningPool, 'metadata'>;
  readonly replicas: number;
  /** Of the system account. */
  readonly name: string;
  readonly password: string;
  /** Of the users that the servers are to have read. */
  readonly tag: string;
}

/** Resolves with whether all servers have read them; one that cannot be asked has not, and nobody is told without the lease. */
export type RequestReload = (request: ReloadRequest, term: Term) => Promise<boolean>;

interface Answer {
  readonly server: { readonly id: string; readonly tags?: readonly string[] };
}

/** The servers that have not read the users yet are told to; where their file is still the earlier one this changes nothing. */
export const requestReload: RequestReload = async ({ pool: { metadata }, ...request }, term) =>
  requestReloadAt(`nats://${metadata.name}-nats.${metadata.namespace}.svc:${natsPorts.client}`, request, term);

/** @param url of one of the servers */
export async function requestReloadAt(url: string, request: Omit<ReloadRequest, 'pool'>, term: Term): Promise<boolean> {
  const { name, password, replicas, tag } = request;
  const options = { servers: [url], user: name, pass: password, reconnect: false, timeout: TIMEOUT_MS };
  const nats = await connect(options).catch(() => undefined);
  if (nats === undefined) return false;
  // What waits for an answer ends with the connection.
  const close = () => void nats.close();
  term.signal.addEventListener('abort', close, { once: true });
  const ask = async () => {
    const answers: Answer[] = [];
    const bounds = { strategy: 'count', maxMessages: replicas, maxWait: PING_MS } as const;
    const found = await nats.requestMany('$SYS.REQ.SERVER.PING', '', bounds);
    for await (const answer of found) answers.push(answer.json<Answer>());
    return answers;
  };
  const isRead = ({ server }: Answer) => server.tags?.includes(tag) === true;
  try {
    const lacking = (await ask()).filter((answer) => !isRead(answer));
    for (const { server } of lacking) {
      if (term.signal.aborted || !term.isHeld()) return false;
      await nats.request(`$SYS.REQ.SERVER.${server.id}.RELOAD`, '', { timeout: TIMEOUT_MS });
    }
    const answers = await ask();
    return answers.length === replicas && answers.every(isRead);
  } catch {
    return false;
  } finally {
    term.signal.removeEventListener('abort', close);
    await nats.close();
  }
}
