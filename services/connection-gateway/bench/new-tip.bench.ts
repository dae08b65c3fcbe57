// A new tip over real sockets: from the feed's record to the last connection written to, and to the last miner told.
import { startLoad } from './load.ts';

async function tips(connections: number, rounds: number): Promise<void> {
  const { gateway, ask, end } = await startLoad(connections, 1);
  for (let round = 1; round <= rounds; round++) {
    const jobId = 16 + 16 * round;
    await gateway.job({ jobId, future: true });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const told = ask('tip');
    await new Promise((resolve) => setTimeout(resolve, 100));
    let written = '';
    const before = process.cpuUsage();
    const started = Date.now();
    const startedAt = performance.now();
    gateway.onTipDone = () => {
      const { user, system } = process.cpuUsage(before);
      const ms = [performance.now() - startedAt, user / 1e3, system / 1e3].map((value) => value.toFixed(0));
      written = `written after ${ms[0]} ms (CPU ${ms[1]} user, ${ms[2]} system)`;
    };
    await gateway.tip(jobId, gateway.prevHash(round + 1));
    const [, at] = (await told).split(' ').map(Number) as number[];
    console.log(`tip to ${connections} connections: ${written}, last told after ${(at ?? 0) - started} ms`);
  }
  await end();
}

if (process.argv.includes('--check')) await tips(100, 1);
else await tips(10_000, 5);
