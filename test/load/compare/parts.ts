// What a contender is made of: processes and a folder, which all go with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { ServiceProcess } from '../../support/service-process.ts';
import type { Contender } from './contest.ts';

/** Clean-ups run last first. */
export class Parts {
  readonly directory = mkdtempSync(join(tmpdir(), 'sluice-compare-'));
  readonly services: ServiceProcess[] = [];
  readonly #profiles: string | undefined;
  readonly #ends: (() => Promise<unknown>)[] = [];

  /** `profiles`: folder in which each service leaves a CPU profile when it has ended in order. */
  constructor(profiles?: string) {
    this.#profiles = profiles;
  }

  ends(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  async service(command: string, flags: readonly string[]): Promise<ServiceProcess> {
    const profiles = this.#profiles;
    const nodeFlags = profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', join(profiles, command)];
    const plan = { name: command, command, flags, nodeFlags, healthPort: await freePort(), directory: this.directory };
    const service = new ServiceProcess(plan);
    service.launch();
    this.services.push(service);
    this.ends(() => service.kill(profiles === undefined ? 'SIGKILL' : 'SIGTERM'));
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
