// The memory of a WebAssembly module that some code makes for itself.
interface WebAssemblyGlobal {
  Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } } };
}
const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal }).WebAssembly;

/** What `make` made, and all memory of the module it made on the way; `change` may put other exports in front of the module's. */
export function withWatchedMemory<T>(
  make: () => T,
  change: (exports: object) => object = (exports) => exports,
): { readonly made: T; readonly memory: Uint8Array } {
  const { Instance } = webAssembly;
  let memory = new Uint8Array(0);
  webAssembly.Instance = function watched(module: object, imports: object = {}) {
    const { exports } = new Instance(module, imports);
    memory = new Uint8Array(exports.memory.buffer);
    return { exports: change(exports) };
  } as unknown as WebAssemblyGlobal['Instance'];
  try {
    const made = make();
    return { made, memory };
  } finally {
    webAssembly.Instance = Instance;
  }
}
