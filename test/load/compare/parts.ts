// What a contender is made of: processes and a folder, which all go with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { ServiceProcess } from '../../support/service-process.ts';
import type { Contender, Observation } from './contest.ts';

/** Clean-ups run last first. */
export class Parts {
  readonly directory = mkdtempSync(join(tmpdir(), 'sluice-compare-'));
  readonly services: ServiceProcess[] = [];
  readonly #observation: Observation | undefined;
  readonly #ends: (() => Promise<unknown>)[] = [];

  /** `observation`: of the services. */
  constructor(observation?: Observation) {
    this.#observation = observation;
  }

  ends(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  async service(command: string, flags: readonly string[]): Promise<ServiceProcess> {
    const nodeFlags = this.#observation?.nodeFlags(command) ?? [];
    const plan = { name: command, command, flags, nodeFlags, healthPort: await freePort(), directory: this.directory };
    const service = new ServiceProcess(plan);
    service.launch();
    this.services.push(service);
    this.ends(() => service.kill(this.#observation === undefined ? 'SIGKILL' : 'SIGTERM'));
    return service;
  }

  logs(): string {
    return this.services.map((service) => `--- ${service.name}\n${service.log(20)}`).join('\n');
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Also when the start fails in the middle nothing is left. */
export async function started<C extends Contender>(parts: Parts, start: (parts: Parts) => Promise<C>): Promise<C> {
  try {
    return await start(parts);
  } catch (error) {
    await parts.stop();
    throw error;
  }
}
