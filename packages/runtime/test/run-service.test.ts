import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./fixtures/service.ts', import.meta.url));

function start(...argv: string[]) {
  const child: ChildProcess = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { out: '', err: '' };
  child.stdout?.on('data', (chunk) => (output.out += chunk));
  child.stderr?.on('data', (chunk) => (output.err += chunk));
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve));
  const logged = (text: string) =>
    new Promise<void>((resolve) => child.stdout?.on('data', () => output.out.includes(text) && resolve()));
  return { child, output, exit, logged };
}

describe('runService', () => {
  it('starts, answers a signal by an ordered stop and exits with 0', async () => {
    const { child, output, exit, logged } = start('--health', '127.0.0.1:0');
    await logged('"started"');
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    const messages = output.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(['starting', 'started', 'stopping', 'service closed', 'bus closed', 'stopped']);
  });

  it('exits with 1 and one log line when it cannot start', async () => {
    const { output, exit } = start('--health', '127.0.0.1:0', '--behave', 'fail');
    expect(await exit).toBe(1);
    expect(output.out).toContain('"reason":"cannot bind"');
    expect(output.out).toContain('bus closed');
  });

  it('exits with 2 and one line a mistake', async () => {
    const { output, exit } = start('--behav', 'x', '--log-level', 'loud');
    expect(await exit).toBe(2);
    expect(output).toEqual({
      out: '',
      err:
        'sluice example: --behav: unknown flag; did you mean --behave?; allowed: what --help lists\n' +
        'sluice example: --log-level: "loud" is not allowed; allowed: trace, debug, info, warn, error, fatal, silent\n',
    });
  });

  it('prints help and exits with 0', async () => {
    const { output, exit } = start('--help');
    expect(await exit).toBe(0);
    expect(output.out).toContain('Usage: sluice example [flags]');
  });

  it('can be ended while it waits for what it needs', async () => {
    const { child, output, exit, logged } = start('--health', '127.0.0.1:0', '--behave', 'wait');
    await logged('"starting"');
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(output.out).toContain('bus closed');
  });

  it.each([
    ['throw', 'uncaughtException'],
    ['reject', 'unhandledRejection'],
  ])('tells of an error that nobody caught, stops in order and exits with 1: %s', async (behave, origin) => {
    const { output, exit } = start('--health', '127.0.0.1:0', '--behave', behave);
    expect(await exit).toBe(1);
    const lines = output.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const fatal = lines.find(({ level }) => level === 'fatal');
    expect(fatal).toMatchObject({ code: 'no-such-thing', reason: 'a defect', origin });
    expect(fatal.error.stack).toContain('fixtures/service.ts');
    expect(lines.map(({ msg }) => msg).slice(-4)).toEqual(['stopping', 'service closed', 'bus closed', 'stopped']);
    expect(output.err).toBe('');
  });

  it('is forced by a second signal', async () => {
    const { child, exit, logged } = start('--health', '127.0.0.1:0', '--behave', 'hang');
    await logged('"started"');
    child.kill('SIGINT');
    await logged('service closed');
    // What a terminal and npm send twice is one signal.
    child.kill('SIGINT');
    await setTimeout(1_100);
    expect(child.exitCode).toBe(null);
    child.kill('SIGINT');
    expect(await exit).toBe(130);
  });
});
