import { loadConfig } from '@sluice/runtime/config/load';
import { describe, expect, it } from 'vitest';
import { startRule, startSettings } from '../src/start/config.ts';

function mistakes(payout: string): readonly string[] {
  const argv = ['--network', 'mainnet', '--payout', payout];
  const loaded = loadConfig(startSettings, { argv, env: {} }, startRule);
  return loaded.kind === 'mistakes' ? loaded.mistakes : [];
}

describe('--payout', () => {
  it('may be an address of the network, and is shown when it is of another one', () => {
    expect(mistakes('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toEqual([]);
    expect(mistakes('tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx')[0]).toMatch(
      /^--payout: "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx" is not allowed: .*not of mainnet/,
    );
  });

  it('is not shown when it may be a private key', () => {
    const key = 'KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn';
    for (const payout of [key, `wpkh(${key})`]) {
      const [line = '', ...others] = mistakes(payout);
      expect(line).toMatch(/^--payout: .*private key/);
      expect(others).toEqual([]);
      expect(line).not.toContain(key.slice(0, 6));
    }
  });
});
