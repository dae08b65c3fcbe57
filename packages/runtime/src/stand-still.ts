const nobodyWakes = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Blocks the thread for `ms`, and takes no CPU time meanwhile. */
export function standStill(ms: number): void {
  Atomics.wait(nobodyWakes, 0, 0, ms);
}
