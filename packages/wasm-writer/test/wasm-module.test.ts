import { expect, it } from 'vitest';
import { instantiate, type MemoryExport } from '../src/instantiate.ts';
import { WasmCode } from '../src/wasm-code.ts';
import { wasmModule } from '../src/wasm-module.ts';

it('has the bytes that the specification says', () => {
  const code = new WasmCode(2);
  code.locals('i64', 2);
  code.local('i64');
  code.local('v128');
  code.get(0).get(1).op('i32.add');
  // (module (memory (export "memory") 1) (func (export "f") (param i32 i32) (result i32) (local i64 i64 i64 v128) …))
  const sections = [
    '01 07 01 60 02 7f 7f 01 7f',
    '03 02 01 00',
    '05 03 01 00 01',
    '07 0e 02 06 6d 65 6d 6f 72 79 02 00 01 66 00 00',
    '0a 0d 01 0b 02 03 7e 01 7b 20 00 20 01 6a 0b',
  ];
  const bytes = Buffer.from(['00 61 73 6d 01 00 00 00', ...sections].join('').replaceAll(' ', ''), 'hex');
  expect(wasmModule([{ name: 'f', returns: 'i32', code }])).toEqual(Uint8Array.from(bytes));
});

it('exports its memory of a page, and the functions that have a name', () => {
  const exported = instantiate(wasmModule([{ code: new WasmCode(1) }, { name: 'nothing', code: new WasmCode(0) }]));
  expect(Object.keys(exported)).toEqual(['memory', 'nothing']);
  expect(exported.memory.buffer.byteLength).toBe(65_536);
});

it('calls functions by their place, numbers of more than a byte as well', () => {
  interface Exports extends MemoryExport {
    last(value: number): number;
  }
  const plusOne = () => new WasmCode(1).get(0).i32(1).op('i32.add');
  const plusThree = new WasmCode(1).get(0).call(0).call(130).call(199);
  const functions = [...Array.from({ length: 200 }, plusOne), plusThree].map((code) => ({
    returns: 'i32' as const,
    code,
  }));
  const named = functions.map((each, place) => (place === 200 ? { ...each, name: 'last' } : each));
  expect(instantiate<Exports>(wasmModule(named)).last(39)).toBe(42);
});

it('is refused by the engine where its code is wrong', () => {
  const module = wasmModule([{ name: 'f', returns: 'i32', code: new WasmCode(0) }]);
  expect(() => instantiate(module)).toThrow(/expected 1 elements on the stack/);
});
