import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { subjectName } from '@sluice/bus/subjects';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveTemplates } from '../src/live-templates.ts';

describe('LiveTemplates', () => {
  let bus: Bus;
  let feed: bigint;
  let live: LiveTemplates;
  let told: string[][];

  beforeEach(async () => {
    bus = await createInProcessBus();
    feed = 0n;
    told = [];
    live = new LiveTemplates({
      bus,
      onChange: (templates) => void told.push(templates.map(({ provider, templateId }) => `${provider} ${templateId}`)),
      onFailure: (error) => {
        throw error;
      },
      sleep: async () => undefined,
    });
  });
  afterEach(async () => {
    await live.stop();
    await bus.close();
  });

  const append = (record: JobRecord) => bus.append('JOBS', subjectName('jobs'), JobRecord.encode(record));
  const position = () => {
    feed += 1n;
    return { epoch: 1n, feed, replayFrom: 1n };
  };

  const job = (jobId: number, templateId: bigint, future: boolean) =>
    append({
      kind: 'newJob',
      ...position(),
      jobId,
      provider: templateId === 0n ? '' : 'a',
      templateId,
      future,
      height: 1,
      version: 2,
      prevHash: new Uint8Array(32),
      nbits: 0x207fffff,
      minNtime: 1,
      merklePath: [],
      coinbasePrefix: new Uint8Array(1),
      coinbaseSuffix: new Uint8Array(1),
      createdAtMicros: 1n,
    });

  const activate = (jobId: number) =>
    append({
      kind: 'activate',
      ...position(),
      jobId,
      prevHash: new Uint8Array(32),
      nbits: 0x207fffff,
      minNtime: 1,
      height: 1,
      chainwork: 1n,
      seenAtMicros: 1n,
    });

  const says = (expected: string[]) => vi.waitFor(() => expect(told.at(-1)).toEqual(expected));

  it('says at once that there is no job yet', async () => {
    live.start();
    await says([]);
  });

  it('follows the active job and the one to come', async () => {
    live.start();
    await job(16, 1n, true);
    await says(['a 1']);
    await activate(16);
    await job(32, 0n, true);
    await job(48, 2n, false);
    await says(['a 2']);
    await job(64, 3n, true);
    await says(['a 2', 'a 3']);
    await activate(64);
    await says(['a 3']);
    await activate(32);
    await says(['a 3']);
  });

  it('says nothing before it has read all that is current', async () => {
    await job(16, 1n, true);
    await activate(16);
    await job(32, 2n, false);
    await job(48, 3n, false);
    live.start();
    await says(['a 3']);
    expect(told).toEqual([['a 3']]);
  });

  it('goes on trying while the feed cannot be read', async () => {
    await job(16, 1n, false);
    const last = vi.spyOn(bus, 'last').mockRejectedValueOnce(new Error('down'));
    const failures: unknown[] = [];
    const patient = new LiveTemplates({
      bus,
      onChange: (templates) => void told.push(templates.map(({ templateId }) => String(templateId))),
      onFailure: (error) => void failures.push(error),
      sleep: async () => undefined,
    });
    patient.start();
    await says(['1']);
    expect([last.mock.calls.length, failures.length]).toEqual([2, 1]);
    await patient.stop();
  });
});
