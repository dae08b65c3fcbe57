import { ManualClock } from '@sluice/runtime/clock';
import { it } from 'vitest';
import { expectLateRepetition } from '../../../test/support/bus-contract.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';
import { streams } from '../src/streams.ts';

it('a repetition behind the duplicate window is kept out by its number, in one process', async () => {
  const clock = new ManualClock();
  const bus = await createInProcessBus({ clock });
  await expectLateRepetition(bus, async () => clock.advance(streams.SHARES.duplicateWindowMs + 1));
  await bus.close();
});
