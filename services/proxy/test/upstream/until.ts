const UNTIL_MS = 3_000;
const TURNS = 10;

/** Resolves when the condition holds, looked at on each turn of the event loop; fails after three seconds and says which condition it was. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + UNTIL_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not come true: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything run that is ready to. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
