// The child process of `AttackerProcess`: attacks until it is told to stop, and tells what it has seen.
import { Attacker } from './attack.ts';
import type { AttackOrder } from './attacker-process.ts';
import { attacks } from './attacks.ts';

process.once('message', (orders: readonly AttackOrder[]) => {
  const running = orders.map(({ name, plan }) => {
    const attacker = new Attacker(plan);
    return { attacker, done: attacks[name](attacker) };
  });
  process.send?.('begun');
  process.once('message', async () => {
    for (const { attacker } of running) attacker.stop();
    await Promise.all(running.map(({ done }) => done));
    const seen: Record<string, number> = {};
    for (const { attacker } of running)
      for (const [what, count] of Object.entries(attacker.seen)) seen[what] = (seen[what] ?? 0) + count;
    process.send?.(seen);
    process.disconnect();
  });
});
process.on('disconnect', () => process.exit(0));
