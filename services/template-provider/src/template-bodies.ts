// The transactions of templates: from our own disk, or from the provider that made the template, so that at least two
// providers can make a block of any solution.
import type { Bus, Subscription } from '@sluice/bus/bus';
import { TemplateBodyPiece, TemplateBodyRequest } from '@sluice/bus/payloads/template';
import { subjectName } from '@sluice/bus/subjects';
import { decodeTemplateBody } from './template-body.ts';
import type { TemplateStore } from './template-store.ts';

/** A piece and its few bytes of frame stay well below the bus's largest message. */
const PIECE_BYTES = 512 * 1024;
/** A block has at most 4,000,000 weight units, hence bytes; the body adds four for each transaction. */
const BODY_BOUND = 8_000_000;
const REQUEST_TIMEOUT_MS = 2_000;
const QUEUE = 'template-body';

export interface TemplateBodiesModules {
  readonly bus: Bus;
  readonly store: TemplateStore;
  /** A body that could not be written, or read from where it was written. */
  onStoreFailure(error: unknown): void;
}

export class TemplateBodies {
  readonly #provider: string;
  readonly #bus: Bus;
  readonly #store: TemplateStore;
  readonly #onStoreFailure: (error: unknown) => void;
  /** Bodies that are being fetched: the template's news and its solution may ask for the same one at once. */
  readonly #fetching = new Map<string, Promise<Uint8Array | undefined>>();
  #served: Subscription | undefined;
  /** The body that was read last for others: they ask for its pieces one after the other. */
  #lastRead: { readonly templateId: bigint; readonly body: Uint8Array } | undefined;

  constructor(provider: string, modules: TemplateBodiesModules) {
    this.#provider = provider;
    this.#bus = modules.bus;
    this.#store = modules.store;
    this.#onStoreFailure = (error) => modules.onStoreFailure(error);
  }

  start(): void {
    const subject = subjectName('templateBody', this.#provider);
    this.#served = this.#bus.serve(subject, QUEUE, (payload) => this.#answer(payload));
  }

  stop(): void {
    this.#served?.close();
  }

  /** In block order; `undefined` when neither we nor the provider that made it has them. */
  async transactions(provider: string, templateId: bigint): Promise<Uint8Array[] | undefined> {
    const kept = await this.#store.get(provider, templateId).catch(this.#onStoreFailure);
    const read = kept === undefined ? undefined : decodeTemplateBody(kept);
    if (read !== undefined) return read;
    const body = await this.copy(provider, templateId);
    return body === undefined ? undefined : decodeTemplateBody(body);
  }

  /** Fetches another provider's body and keeps it; a disk that takes nothing more does not keep it from a block. */
  copy(provider: string, templateId: bigint): Promise<Uint8Array | undefined> {
    if (provider === this.#provider) return Promise.resolve(undefined);
    const key = `${provider} ${templateId}`;
    let copied = this.#fetching.get(key);
    if (copied === undefined) {
      copied = this.#copy(provider, templateId).finally(() => this.#fetching.delete(key));
      this.#fetching.set(key, copied);
    }
    return copied;
  }

  async #copy(provider: string, templateId: bigint): Promise<Uint8Array | undefined> {
    const body = await this.#fetch(provider, templateId);
    if (body === undefined) return undefined;
    const failure = await this.#store.put(provider, templateId, body);
    if (failure !== undefined) this.#onStoreFailure(failure);
    return body;
  }

  async #fetch(provider: string, templateId: bigint): Promise<Uint8Array | undefined> {
    let body: Uint8Array | undefined;
    let offset = 0;
    do {
      const piece = await this.#ask(provider, templateId, offset);
      if (piece === undefined || piece.total === 0 || piece.total > BODY_BOUND || piece.data.length === 0)
        return undefined;
      body ??= new Uint8Array(piece.total);
      if (offset + piece.data.length > body.length) return undefined;
      body.set(piece.data, offset);
      offset += piece.data.length;
    } while (offset < body.length);
    return decodeTemplateBody(body) === undefined ? undefined : body;
  }

  async #ask(provider: string, templateId: bigint, offset: number): Promise<TemplateBodyPiece | undefined> {
    try {
      const request = TemplateBodyRequest.encode({ templateId, offset });
      return TemplateBodyPiece.decode(
        await this.#bus.request(subjectName('templateBody', provider), request, REQUEST_TIMEOUT_MS),
      );
    } catch {
      // The provider is away, or is none: the caller says what is missing.
      return undefined;
    }
  }

  async #answer(payload: Uint8Array): Promise<Uint8Array> {
    const { templateId, offset } = TemplateBodyRequest.decode(payload);
    if (this.#lastRead?.templateId !== templateId) {
      const body = await this.#store.get(this.#provider, templateId);
      this.#lastRead = body === undefined ? undefined : { templateId, body };
    }
    const body = this.#lastRead?.body ?? new Uint8Array(0);
    return TemplateBodyPiece.encode({ total: body.length, data: body.subarray(offset, offset + PIECE_BYTES) });
  }
}
