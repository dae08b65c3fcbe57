import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { CONTRACT_CREDITS_BYTES, describeBusContract } from '../../../test/support/bus-contract.ts';
import type { Bus } from '../src/bus.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';

const options = { maxBytes: { CREDITS: CONTRACT_CREDITS_BYTES }, onError: () => undefined };

describe('bus in one process, in memory', () => {
  let bus: Bus;
  beforeAll(async () => {
    bus = await createInProcessBus(options);
  });
  afterAll(() => bus.close());
  describeBusContract({ client: () => bus, otherClient: () => bus });
});

describe('bus in one process, on disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bus-'));
  let bus: Bus;
  beforeAll(async () => {
    bus = await createInProcessBus({ ...options, directory });
  });
  afterAll(async () => {
    await bus.close();
    rmSync(directory, { recursive: true, force: true });
  });
  describeBusContract({ client: () => bus, otherClient: () => bus });
});
