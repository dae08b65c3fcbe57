// The memory of a WebAssembly module that some code makes for itself.
interface WebAssemblyGlobal {
  Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } } };
}
const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal }).WebAssembly;

/** What `make` made, and all memory of each module it made on the way, and of the last one; `change` may put other exports in front of a module's. */
export function withWatchedMemory<T>(
  make: () => T,
  change: (exports: object) => object = (exports) => exports,
): { readonly made: T; readonly memories: readonly Uint8Array[]; readonly memory: Uint8Array } {
  const { Instance } = webAssembly;
  const memories: Uint8Array[] = [];
  webAssembly.Instance = function watched(module: object, imports: object = {}) {
    const { exports } = new Instance(module, imports);
    memories.push(new Uint8Array(exports.memory.buffer));
    return { exports: change(exports) };
  } as unknown as WebAssemblyGlobal['Instance'];
  try {
    const made = make();
    return { made, memories, memory: memories.at(-1) ?? new Uint8Array(0) };
  } finally {
    webAssembly.Instance = Instance;
  }
}
