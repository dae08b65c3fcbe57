// The first minute of a newcomer: a clone of what is committed, `npm ci` and `npm start`, with the machine's own Node and npm.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { MAX_RSS_BYTES, OneMachine } from '../support/one-machine.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'sluice-clone-'));
const clone = join(directory, 'sluice');
const env = ownEnvironment();
/** Each time counts from a start; another program on the same cores may have had its own at that moment. */
const RETRIES = 2;
let pool: OneMachine | undefined;
let installed: { readonly stdout: string; readonly stderr: string };

beforeAll(async () => {
  await run('git', ['clone', '--quiet', root, clone], { env });
  // What another clone has fetched before is not fetched again.
  installed = await run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: clone, env });
});
afterEach(() => pool?.kill());
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

/** As in a terminal of the user's: without what npm and vitest have set for this process. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const set = /^(npm_(?!config_)|npm_config_local_prefix$|INIT_CWD$|NODE$|NODE_ENV$|VITEST|SLUICE_)/;
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !/node_modules/.test(entry));
  const kept = Object.entries(process.env).filter(([name]) => !set.test(name));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

it('the first command warns of nothing', () => expect(installed.stderr).toBe(''));

it('a fresh clone is ready, gets shares and finds a block in time, in little memory', { retry: RETRIES }, async () => {
  const listenPort = await freePort();
  pool = await OneMachine.start({
    command: ['npm', 'start', '--'],
    data: mkdtempSync(join(directory, 'data-')),
    listenPort,
    cwd: clone,
    env,
  });
  const { rssBytes } = await pool.firstFigures();
  expect(rssBytes).toBeLessThan(MAX_RSS_BYTES);
  expect(pool.url?.port).toBe(listenPort);
  expect(await pool.stop()).toBe(0);
});
