// A process of Node asked from outside, by the protocol of its inspector.
const LISTENS = /Debugger listening on (ws:\/\/\S+)/g;
/** What the process is to be started with. */
export const INSPECTED = ['--inspect=127.0.0.1:0'] as const;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Message) => void>();
  readonly #listeners = new Map<string, (params: unknown) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
      else if (message.method !== undefined) this.#listeners.get(message.method)?.(message.params);
    });
  }

  /** @param log of the process, which has the address of its inspector. */
  static async open(log: string): Promise<Inspector> {
    // A service begins twice: the first one's is gone.
    const url = [...log.matchAll(LISTENS)].at(-1)?.[1];
    if (url === undefined) throw new Error(`no inspector listens:\n${log}`);
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)), { once: true });
    });
    return new Inspector(socket);
  }

  /** Is told of each event of this name; in the place of who was before. */
  on(event: string, listener: (params: unknown) => void): void {
    this.#listeners.set(event, listener);
  }

  /** @throws when the process refuses, or is gone. */
  call(method: string, params: object = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const onClose = () => reject(new Error('the inspector is gone'));
      this.#socket.addEventListener('close', onClose);
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        this.#socket.removeEventListener('close', onClose);
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}
