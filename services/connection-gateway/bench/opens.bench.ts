// What a new connection costs the gateway's process, over real sockets: accepted socket, Noise handshake, SetupConnection, channel, first job. Channels are
// decided about by a few lines in the same process, which is counted.
import { startLoad } from './load.ts';

async function opens(warmUp: number, rounds: number, count: number): Promise<void> {
  const { ask, end } = await startLoad(warmUp, 1);
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await ask(`open ${count}`);
    const { user, system } = process.cpuUsage(before);
    const micros = [user, system].map((time) => (time / count).toFixed(0));
    console.log(`${count} connections opened: CPU µs each ${micros[0]} user, ${micros[1]} system`);
  }
  await end();
}

if (process.argv.includes('--check')) await opens(0, 1, 10);
else await opens(1_000, 5, 1_000);
