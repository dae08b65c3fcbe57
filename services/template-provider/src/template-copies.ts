// Keeps copying what other providers tell: a copy that fails is tried again, because a block of it may be needed when the
// provider that made the template is gone.
import type { TemplateBodies } from './template-bodies.ts';
import type { TemplateName, TemplateStore } from './template-store.ts';

/** Copies that are being tried; the template that was told first is given up at the bound. */
export const WANTED_BOUND = 32;
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;

export interface TemplateCopiesModules {
  readonly bodies: TemplateBodies;
  readonly store: TemplateStore;
  /** Told once for each template. */
  onFailure(template: TemplateName): void;
  sleep(ms: number): Promise<void>;
}

export class TemplateCopies {
  readonly #provider: string;
  readonly #modules: TemplateCopiesModules;
  readonly #wanted = new Set<string>();
  #stopped = false;
  copied = 0;
  givenUp = 0;

  /** @param provider our own name: nobody else has what we made. */
  constructor(provider: string, modules: TemplateCopiesModules) {
    this.#provider = provider;
    this.#modules = modules;
  }

  /** Returns at once. */
  want(template: TemplateName): void {
    const { provider, templateId } = template;
    const key = `${provider} ${templateId}`;
    if (provider === this.#provider || this.#wanted.has(key) || this.#modules.store.has(provider, templateId)) return;
    const [oldest] = this.#wanted;
    if (this.#wanted.size >= WANTED_BOUND && oldest !== undefined) {
      this.#wanted.delete(oldest);
      this.givenUp += 1;
    }
    this.#wanted.add(key);
    void this.#copy(template, key);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #copy(template: TemplateName, key: string): Promise<void> {
    const { bodies, onFailure, sleep } = this.#modules;
    for (let delay = RETRY_FIRST_MS; this.#wanted.has(key) && !this.#stopped; ) {
      if ((await bodies.copy(template.provider, template.templateId)) !== undefined) {
        this.#wanted.delete(key);
        this.copied += 1;
        return;
      }
      if (delay === RETRY_FIRST_MS) onFailure(template);
      await sleep(delay);
      delay = Math.min(RETRY_LONGEST_MS, delay * 2);
    }
  }
}
