// A process that appends to the in-process bus and says so on standard output: what the trace of durability.test.ts looks at.
// Arguments: the folder, and how many records.
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';

const [directory = '', count = '1'] = process.argv.slice(2);
const bus = await createInProcessBus({ directory });
process.stdout.write(`ready ${process.pid}\n`);
process.stdin.once('data', async () => {
  for (let index = 0; index < Number(count); index++) {
    await bus.append('SHARES', 'shares.1', Buffer.from(`record-${index}.`));
    process.stdout.write(`acknowledged-${index}.\n`);
  }
  await bus.close();
  process.stdin.destroy();
});
