// Starts a program of this workspace. The sources need Node 24: on an older one this starts them with the Node that the workspace pins. Plain
// JavaScript, so that any Node can read it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function pinnedNode() {
  try {
    return createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    return undefined;
  }
}

function startAgainWith(node, name, main) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  const passOn = (signal) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, passOn);
  child.on('error', (error) => {
    process.stderr.write(`${name}: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    // Ends as the child did, so that whoever waits sees the same.
    for (const other of SIGNALS) process.off(other, passOn);
    process.kill(process.pid, signal);
  });
}

/** @param {string} name of the program, in errors @param {URL} main its first file */
export async function launch(name, main) {
  if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) {
    await import(main.href);
    return;
  }
  const node = pinnedNode();
  if (node === undefined) {
    process.stderr.write(
      `${name}: needs Node ${NEEDED_MAJOR}, this is ${process.versions.node}; run npm ci to get it\n`,
    );
    process.exitCode = 1;
  } else startAgainWith(node, name, main);
}
