import { Writable } from 'node:stream';
import { createLogger } from '@sluice/runtime/logger';
import { expect, test } from 'vitest';
import type { NodeSource } from '../src/node-source.ts';
import { UnannouncedTips } from '../src/unannounced-tips.ts';

test('a node that should announce its tips and does not is told once, others are not', () => {
  const warnings: string[] = [];
  const destination = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      const { level, node } = JSON.parse(line);
      if (level === 'warn') warnings.push(node);
      done();
    },
  });
  const log = createLogger({ name: 'test', level: 'debug', format: 'json', destination });
  const nodes = [
    { name: 'zmq', announces: true },
    { name: 'poll', announces: false },
  ] as NodeSource[];
  const tips = new UnannouncedTips(nodes, { log, monotonic: () => 0 });
  tips.onTip('zmq', 'start');
  for (let tip = 0; tip < 5; tip++) tips.onTip('poll', 'poll');
  tips.onTip('zmq', 'poll');
  tips.onTip('zmq', 'announcement');
  tips.onTip('zmq', 'poll');
  expect(warnings).toEqual([]);
  tips.onTip('zmq', 'poll');
  tips.onTip('zmq', 'poll');
  expect(warnings).toEqual(['zmq']);
});
