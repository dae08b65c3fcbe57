import { expect, it, vi } from 'vitest';
import type { TemplateBodies } from '../src/template-bodies.ts';
import { TemplateCopies, WANTED_BOUND } from '../src/template-copies.ts';
import type { TemplateName, TemplateStore } from '../src/template-store.ts';

/** `fails`: how often a copy fails before it succeeds. */
function setUp(fails: number) {
  const asked: string[] = [];
  const failures: TemplateName[] = [];
  const kept = new Set<string>();
  const copies = new TemplateCopies('own', {
    bodies: {
      async copy(provider: string, templateId: bigint) {
        asked.push(`${provider} ${templateId}`);
        return asked.length > fails ? new Uint8Array(1) : undefined;
      },
    } as TemplateBodies,
    store: { has: (provider: string, id: bigint) => kept.has(`${provider} ${id}`) } as TemplateStore,
    onFailure: (template) => void failures.push(template),
    sleep: () => new Promise((resolve) => setTimeout(resolve, 1)),
  });
  return { copies, asked, failures, kept };
}

it('tries a copy again until it succeeds, and complains once', async () => {
  const { copies, asked, failures } = setUp(3);
  copies.want({ provider: 'other', templateId: 1n });
  copies.want({ provider: 'other', templateId: 1n });
  await vi.waitFor(() => expect(copies.copied).toBe(1));
  expect(asked).toHaveLength(4);
  expect(failures).toHaveLength(1);
});

it('asks nobody for what is kept, or was made here', async () => {
  const { copies, asked, kept } = setUp(0);
  kept.add('other 1');
  copies.want({ provider: 'other', templateId: 1n });
  copies.want({ provider: 'own', templateId: 2n });
  await new Promise(setImmediate);
  expect(asked).toEqual([]);
});

it('gives up the oldest at its bound, and everything at its end', async () => {
  const { copies, asked } = setUp(Number.POSITIVE_INFINITY);
  for (let id = 0n; id <= BigInt(WANTED_BOUND); id += 1n) copies.want({ provider: 'other', templateId: id });
  expect(copies.givenUp).toBe(1);
  await vi.waitFor(() => expect(asked.filter((each) => each === 'other 1').length).toBeGreaterThan(2));
  expect(asked.filter((each) => each === 'other 0')).toHaveLength(1);
  copies.stop();
  await new Promise((resolve) => setTimeout(resolve, 10));
  const { length } = asked;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toHaveLength(length);
});
