import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeError } from '../src/errors.ts';
import { readSecretFile } from '../src/secret-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-secret-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function file(content: string): string {
  const path = join(directory, 'secret');
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

function refusal(path: string): RuntimeError {
  try {
    readSecretFile(path);
  } catch (error) {
    if (error instanceof RuntimeError) return error;
  }
  throw new Error('not refused');
}

describe('secret file', () => {
  it('is read without the white space around it', () => {
    expect(readSecretFile(file(' hunter2\n'))).toBe('hunter2');
  });

  it('is refused when others may use it', () => {
    const path = file('hunter2');
    chmodSync(path, 0o640);
    expect(refusal(path).message).toBe(`${path}: others may use it, its mode is 640: chmod 600`);
  });

  it.each([
    ['missing', () => join(directory, 'none'), 'ENOENT'],
    ['a folder', () => directory, 'EISDIR'],
    ['empty', () => file(' \n'), 'empty'],
    ['too large', () => file('hunter2'.repeat(10_000)), 'larger than 65536 bytes'],
  ])('is refused with its path and nothing of its content: %s', (_name, path, why) => {
    const { code, message } = refusal(path());
    expect(code).toBe('secret-unreadable');
    expect(message).toContain(path());
    expect(message).toContain(why);
    expect(message).not.toContain('hunter2');
  });
});
