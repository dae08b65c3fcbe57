#!/usr/bin/env node
// Starts the command. The sources need Node 24: on an older one this starts them again with the Node that the workspace
// pins. Plain JavaScript, so that any Node can read it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const NEEDED_MAJOR = 24;
const main = new URL('../src/main.ts', import.meta.url);

function pinnedNode() {
  try {
    return createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    return undefined;
  }
}

function startAgainWith(node) {
  const child = spawn(node, [main.pathname, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends SIGINT to the child itself: passing it on would count as the second signal.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`sluice: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}

if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) {
  await import(main.href);
} else {
  const node = pinnedNode();
  if (node === undefined) {
    process.stderr.write(
      `sluice: needs Node ${NEEDED_MAJOR}, this is ${process.versions.node}; run npm ci to get it\n`,
    );
    process.exitCode = 1;
  } else startAgainWith(node);
}
