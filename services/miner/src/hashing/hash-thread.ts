// The worker behind ThreadEngine: answers each range with its result.
import { parentPort } from 'node:worker_threads';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import type { SearchRange } from './hash-engine.ts';
import { runSearch } from './inline-engine.ts';
import { NonceSearch } from './nonce-search.ts';

const search = new NonceSearch(wasmSha256d);
parentPort?.on('message', (range: SearchRange) => parentPort?.postMessage(runSearch(search, range)));
