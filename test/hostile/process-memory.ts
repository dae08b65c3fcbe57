// What a process of Node still uses after its garbage was collected, asked through its inspector: what it takes from the system says little.
const LISTENS = /Debugger listening on (ws:\/\/\S+)/;
/** What the process is to be started with. */
export const INSPECTED = ['--inspect=127.0.0.1:0'];
const MEBIBYTE = 1_048_576;

interface Answer {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: number } };
}

export class ProcessMemory {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  /** @param log of the process, which has the address of its inspector. */
  static async open(log: string): Promise<ProcessMemory> {
    const url = LISTENS.exec(log)?.[1];
    if (url === undefined) throw new Error(`no inspector listens:\n${log}`);
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)), { once: true });
    });
    return new ProcessMemory(socket);
  }

  /** MiB in use, in the heap and outside of it. */
  async inUse(): Promise<number> {
    // What a first collection finds may be freed by a second.
    for (let times = 0; times < 2; times++) await this.#call('HeapProfiler.collectGarbage', {});
    const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
    const { result } = await this.#call('Runtime.evaluate', { expression, returnByValue: true });
    const bytes = result?.result?.value;
    if (bytes === undefined) throw new Error('the inspector tells no memory');
    return bytes / MEBIBYTE;
  }

  close(): void {
    this.#socket.close();
  }

  #call(method: string, params: object): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const onClose = () => reject(new Error('the inspector is gone'));
      this.#socket.addEventListener('close', onClose);
      this.#waiting.set(id, (answer) => {
        this.#waiting.delete(id);
        this.#socket.removeEventListener('close', onClose);
        resolve(answer);
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
