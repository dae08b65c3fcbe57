import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../run.ts';
import { kubernetesPrograms } from './binaries.ts';

/** The project's chart. */
export const CHART = join(import.meta.dirname, '../../../charts/sluice');

/** Runs Helm as whoever a kubeconfig is of, with folders of its own; resolves with what it prints. */
export async function helm(kubeconfig: string, ...args: readonly string[]): Promise<string> {
  const pathOf = await kubernetesPrograms(['helm']);
  const folders = ['CACHE', 'CONFIG', 'DATA'].map((each) => [`HELM_${each}_HOME`, join(tmpdir(), 'helm', each)]);
  return run(pathOf('helm'), args, { env: { KUBECONFIG: kubeconfig, ...Object.fromEntries(folders) } });
}
