#!/usr/bin/env node
// Starts the command. The sources need Node 24: on an older one this starts them again with the Node that the workspace
// pins. Plain JavaScript, so that any Node can read it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const main = new URL('../src/main.ts', import.meta.url);

function pinnedNode() {
  try {
    return createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    return undefined;
  }
}

function startAgainWith(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  const passOn = (signal) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, passOn);
  child.on('error', (error) => {
    process.stderr.write(`sluice: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    // Ends as the child did, so that whoever waits sees the same.
    for (const name of SIGNALS) process.off(name, passOn);
    process.kill(process.pid, signal);
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
