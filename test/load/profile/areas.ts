// Which part of the system a function belongs to, by where it stands.
import type { Frame } from './cpu-profile.ts';

const V8_NAMES: Readonly<Record<string, string>> = {
  '(garbage collector)': 'garbage collection',
  '(program)': 'native code: libuv, TLS, system calls from it',
};

/** A few words; the same for everything of a package, a service, a library, Node itself. */
export function areaOf({ name, url }: Frame): string {
  const ofV8 = V8_NAMES[name];
  if (ofV8 !== undefined) return ofV8;
  if (url.startsWith('node:')) return 'Node, its JavaScript';
  if (url === '') return 'built-in functions, system calls among them';
  if (url.startsWith('wasm:')) return 'WebAssembly: SHA-256, ChaCha20-Poly1305';
  const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (library !== undefined) return library;
  const [, ours] = /\/(packages\/[^/]+|services\/[^/]+|cli)\/src\//.exec(url) ?? [];
  return ours ?? 'other';
}

/** `packages/noise/src/transport.ts:86`, or what stands for it where there is no file of ours. */
export function placeOf({ url, line }: Frame): string {
  if (url === '') return 'built in';
  const [, file = url] = /\/((?:packages|services|cli|node_modules)\/.*)$/.exec(url) ?? [];
  return url.startsWith('wasm:') ? 'WebAssembly' : `${file}:${line}`;
}
