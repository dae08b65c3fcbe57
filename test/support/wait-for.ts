import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when the condition holds; fails after the deadline and says which condition it was. */
export async function waitFor(condition: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not come true within ${deadlineMs} ms: ${condition}`);
    await sleep(10);
  }
}
