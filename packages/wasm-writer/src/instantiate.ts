// What runs a module.

/** What this file uses of a global that the ECMAScript library of TypeScript leaves out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** What a module exports besides its functions. */
export interface MemoryExport {
  readonly memory: { readonly buffer: ArrayBuffer };
}

/** An instance of a module that imports nothing; whether it exports what is expected is not looked at. @throws what the engine throws at a module that is wrong. */
export function instantiate<Exports extends MemoryExport>(module: Uint8Array<ArrayBuffer>): Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(module)).exports as Exports;
}
