// Why the pool is not ready, by cause: what waits for another part only repeats its trouble.

/** Checks in the order in which parts wait for each other, by the beginning of their names. */
const ORDER = ['template-provider: work', 'job-distributor: work', 'connection-gateway: work', 'start'] as const;

/** Lines for people; of parts that wait for each other only the first. */
export function waitingFor(checks: ReadonlyMap<string, string | undefined>): readonly string[] {
  const failing = [...checks].filter(([, reason]) => reason !== undefined);
  const first = ORDER.find((name) => checks.get(name) !== undefined);
  return failing
    .filter(([name]) => name === first || !ORDER.some((dependent) => dependent === name))
    .map(([name, reason]) => (name === 'start' ? `${reason}` : `${name}: ${reason}`));
}
