// Pods as the operator asks them, each at an address of its own: they answer /drain as a gateway does and /metrics as a share validator that is not
// behind and a template provider on a chain that stands still.
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
import { IDLE_TIMEOUT_MS } from '@sluice/runtime/health';

/** Of each pod: a number that moves a little all the time, as that of a real one does. */
const CONNECTIONS = 1_000;
const DRIFT = 5;
/** As many other lines as a share validator tells. */
const OTHER_LINES = 300;

const metrics = [
  ...Array.from(
    { length: OTHER_LINES },
    (_, line) => `sluice_stub_seconds_bucket{le="${line}",stream="SHARES"} ${line}`,
  ),
  'process_cpu_seconds_total 1',
  'sluice_share_validator_behind_seconds 0',
  'sluice_template_provider_tip_height_blocks 100',
  '',
].join('\n');

export class StubPods {
  readonly #server: HttpServer;
  /** The first one has chosen the port of all. */
  readonly #listeners: Server[] = [];
  #port = 0;
  /** Answers that were given, and those of gateways among them. */
  answers = 0;
  gatewayAnswers = 0;
  /** Orders that were given to pods, of which none should go. */
  orders = 0;

  private constructor() {
    const answer = (incoming: IncomingMessage, outgoing: ServerResponse) => this.#answer(incoming, outgoing);
    this.#server = createServer({ keepAliveTimeout: IDLE_TIMEOUT_MS }, answer);
  }

  static async start(): Promise<StubPods> {
    const pods = new StubPods();
    await pods.add();
    return pods;
  }

  /** Resolves with the address of one pod more, on the loopback. */
  async add(): Promise<string> {
    const number = this.#listeners.length + 1;
    const address = `127.${number >> 16}.${(number >> 8) & 0xff}.${number & 0xff}`;
    const listener = createSocketServer({ noDelay: true }, (socket) => this.#server.emit('connection', socket));
    this.#listeners.push(listener);
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.#port, address, resolve);
    });
    this.#port = (listener.address() as AddressInfo).port;
    return address;
  }

  /** The operator's setting. */
  get podUrl(): string {
    return `http://{ip}:${this.#port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await Promise.all(this.#listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
  }

  #answer({ method, url = '' }: IncomingMessage, outgoing: ServerResponse): void {
    this.answers += 1;
    if (method !== 'GET') this.orders += 1;
    if (url.endsWith('/metrics')) {
      outgoing.end(metrics);
      return;
    }
    this.gatewayAnswers += 1;
    outgoing.end(`{"connections":${CONNECTIONS + (this.answers % DRIFT)},"order":null,"left":0}`);
  }
}
