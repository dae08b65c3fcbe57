// What two ends of Stratum V2 said to each other, decoded, in the order in which it came.
import { readWorkerIdentity } from '@sluice/sv2/extensions';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { messageOf } from '@sluice/sv2/registry';
import type { RawFrame } from './noise-socket.ts';
import { waitFor } from './wait-for.ts';

export interface LoggedMessage {
  readonly from: 'client' | 'server';
  readonly declared: Message;
  readonly value: unknown;
  /** Of a share that names its worker by extension 0x0002. */
  readonly worker: string | undefined;
}

export class MessageLog {
  readonly messages: LoggedMessage[] = [];
  readonly #name: string;

  /** `name` is for what it says when something did not come. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Decodes a frame and keeps it; fails on one that is no message. */
  take(from: LoggedMessage['from'], { extensionType, msgType, payload }: RawFrame): LoggedMessage {
    const declared = messageOf(extensionType & ~CHANNEL_MSG_BIT, msgType);
    if (declared === undefined) throw new Error(`${this.#name}: the ${from} sent type ${msgType}`);
    const decoded = decodePayload(declared, payload);
    if (!decoded.ok) throw new Error(`${this.#name}: ${declared.name} of the ${from}: ${decoded.code}`);
    const named = declared === SubmitSharesExtended ? readWorkerIdentity(payload, decoded.length) : undefined;
    const worker = typeof named === 'object' ? named.code : named;
    const logged = { from, declared, value: decoded.value, worker };
    this.messages.push(logged);
    return logged;
  }

  /** Every message of this declaration, from the one at index `since` on. */
  of<M extends Message>(declared: M, since = 0): MessageOf<M>[] {
    return this.messages.slice(since).flatMap((one) => (one.declared === declared ? [one.value as MessageOf<M>] : []));
  }

  /** The first message of this declaration that is as wanted, now or later; fails when none comes. */
  async first<M extends Message>(
    declared: M,
    wanted: (value: MessageOf<M>) => boolean = () => true,
    since = 0,
  ): Promise<MessageOf<M>> {
    let found: MessageOf<M> | undefined;
    await waitFor(() => {
      found = this.of(declared, since).find(wanted);
      return found !== undefined;
    }).catch(() => {
      const names = this.messages.map((one) => `${one.from} ${one.declared.name}`);
      throw new Error(`${this.#name}: no ${declared.name} as ${wanted} after:\n${names.slice(-40).join('\n')}`);
    });
    return found as MessageOf<M>;
  }
}
