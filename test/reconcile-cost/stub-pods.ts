// Pods as the operator asks them, in one server: each answers /drain as a gateway does and /metrics as a share validator that is not behind and a
// template provider on a chain that stands still.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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
  readonly #server: Server;
  /** Answers that were given, and those of gateways among them. */
  answers = 0;
  gatewayAnswers = 0;
  /** Orders that were given to pods, of which none should go. */
  orders = 0;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => this.#answer(incoming, outgoing));
  }

  static async start(): Promise<StubPods> {
    const pods = new StubPods();
    await new Promise<void>((resolve) => pods.#server.listen(0, '127.0.0.1', resolve));
    return pods;
  }

  /** The operator's setting. */
  get podUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/{namespace}/{name}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
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
