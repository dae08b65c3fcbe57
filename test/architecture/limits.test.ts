// The table of limits for who runs the services against the limits themselves.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { allMetrics } from '../../scripts/dashboards/render.ts';
import { defaultLimits as gateway } from '../../services/connection-gateway/src/limits.ts';
import { defaultSv1Limits as sv1 } from '../../services/proxy/src/sv1/limits.ts';
import { defaultSv2Limits as sv2 } from '../../services/proxy/src/sv2/limits.ts';
import { defaultLimits as distribution } from '../../services/template-provider/src/template-distribution/limits.ts';
import { floodCases, floodV1Cases, slowCases, slowV1Cases } from '../hostile/cases.ts';

const listeners = [
  ['sluice_gateway_', gateway],
  ['sluice_proxy_sv1_', sv1],
  ['sluice_proxy_sv2_', sv2],
  ['sluice_template_distribution_', distribution],
] as const;

const page = readFileSync(join(import.meta.dirname, '../../docs/operations/limits.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [name = '', ...cells] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    return {
      bound: /^`(\w+)`/.exec(name)?.[1],
      values: cells.slice(0, 4),
      metrics: cells[5] ?? '',
      cases: cells[6] ?? '',
    };
  });

it('has every bound of every listener, and no other one', () => {
  const written = listeners.map((_, place) =>
    Object.fromEntries(
      rows
        .filter(({ values }) => values[place] !== '')
        .map(({ bound, values }) => [bound, Number(values[place]?.replaceAll(',', ''))]),
    ),
  );
  // Not a number, but whose header is taken.
  expect(written).toEqual(listeners.map(([, { proxyProtocolFrom, ...bounds }]) => bounds));
});

it('names metrics, and their labels, that each of the listeners has', async () => {
  const known = await allMetrics();
  const text = readFileSync(join(import.meta.dirname, '../../docs/reference/metrics.md'), 'utf8');
  const line = (name: string) => text.split('\n').find((each) => each.startsWith(`| \`${name}\``)) ?? '';
  for (const { values, metrics } of rows)
    for (const [place, [prefix]] of listeners.entries()) {
      if (values[place] === '') continue;
      for (const [, metric = '', value] of metrics.matchAll(/`(\w+)`(?:, (?:limit )?([a-z-]+))?/g)) {
        expect([...known.keys()], `${prefix}${metric}`).toContain(`${prefix}${metric}`);
        if (value !== undefined) expect(line(`${prefix}${metric}`)).toMatch(new RegExp(`[ :]${value}[, ]`));
      }
    }
});

it('names every hostile case, and no other one', () => {
  const known = [...slowCases, ...floodCases, ...slowV1Cases, ...floodV1Cases].map(({ name }) => name);
  const shown = rows.flatMap(({ cases }) => [...cases.matchAll(/`([\w-]+)`/g)].map(([, name]) => name));
  expect(known).toEqual(expect.arrayContaining(shown));
  const told = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| `'));
  const named = told.flatMap((line) =>
    [...(line.split('|').at(-2) ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name),
  );
  expect(new Set([...shown, ...named])).toEqual(new Set(known));
});
