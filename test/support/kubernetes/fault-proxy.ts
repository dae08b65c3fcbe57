// Stands between a client and a real API server, and fails as those in the field do. Requests pass as they are otherwise.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  left: number;
}

export class FaultProxy {
  /** `https://127.0.0.1:PORT`, with the API server's own certificate. */
  readonly url: string;
  readonly #server: Server;
  readonly #target: string;
  readonly #agent: Agent;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<ServerResponse>();
  readonly #silenced = new WeakSet<ServerResponse>();
  #swallowedBytes = 0;
  #isCut = false;
  #refusal: Refusal | undefined;

  private constructor(server: Server, target: string, agent: Agent) {
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#target = target;
    this.#agent = agent;
  }

  static async start(plane: ControlPlane): Promise<FaultProxy> {
    const [cert, key] = ['apiserver.crt', 'apiserver.key'].map((file) => readFileSync(join(plane.directory, file)));
    const server = createServer({ cert, key });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new FaultProxy(server, plane.url, new Agent({ ca: cert, keepAlive: true }));
    server.on('request', (incoming, outgoing) => proxy.#pass(incoming, outgoing));
    server.on('secureConnection', (socket) => {
      if (proxy.#isCut) {
        socket.destroy();
        return;
      }
      proxy.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => proxy.#sockets.delete(socket));
    });
    return proxy;
  }

  /** Watches that are open. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Connections end in the middle of whatever they carry. */
  reset(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** As when the API server is away: every connection ends, and none comes about until `restore`. */
  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  restore(): void {
    this.#isCut = false;
  }

  /** Watches that are open say nothing from now on, and stay open. @returns how many bytes of theirs were kept back */
  silence(): () => number {
    const before = this.#swallowedBytes;
    for (const watch of this.#watches) this.#silenced.add(watch);
    return () => this.#swallowedBytes - before;
  }

  /** The next requests are refused, and open watches end, so that there are some. @returns how many are still to be refused */
  refuse(status: number, count: number, headers: Readonly<Record<string, string>> = {}): () => number {
    const refusal = { status, headers, left: count };
    this.#refusal = refusal;
    this.reset();
    return () => refusal.left;
  }

  /** Open watches are told an error in place of their next event. */
  failWatches(code: number): void {
    const object = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: 'as a test wants it' };
    for (const watch of this.#watches) watch.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.reset();
    this.#agent.destroy();
    await closed;
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const refusal = this.#refusal;
    if (refusal !== undefined && refusal.left > 0) {
      refusal.left -= 1;
      const status = { kind: 'Status', code: refusal.status, message: 'as a test wants it' };
      outgoing.writeHead(refusal.status, { 'content-type': 'application/json', ...refusal.headers });
      outgoing.end(JSON.stringify(status));
      return;
    }
    const { method, url = '/', headers } = incoming;
    const onward = request(`${this.#target}${url}`, { method, headers, agent: this.#agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      if (/[?&]watch=true/.test(url)) this.#watches.add(outgoing);
      answer.on('data', (chunk: Buffer) => {
        if (this.#silenced.has(outgoing)) this.#swallowedBytes += chunk.length;
        else if (!outgoing.writableEnded) outgoing.write(chunk);
      });
      answer.on('end', () => this.#silenced.has(outgoing) || outgoing.end());
      answer.on('error', () => outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => {
      this.#watches.delete(outgoing);
      onward.destroy();
    });
    incoming.pipe(onward);
  }
}
