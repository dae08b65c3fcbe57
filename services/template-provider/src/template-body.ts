// The transactions of a template as they are kept on disk and handed from provider to provider.
// Layout: version byte 1 ‖ count u32 ‖ count × (length u32 ‖ transaction), integers little-endian.

const VERSION = 1;

export function encodeTemplateBody(transactions: readonly { readonly data: Uint8Array }[]): Uint8Array {
  let size = 5;
  for (const { data } of transactions) size += 4 + data.length;
  const body = new Uint8Array(size);
  const view = new DataView(body.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(1, transactions.length, true);
  let offset = 5;
  for (const { data } of transactions) {
    view.setUint32(offset, data.length, true);
    body.set(data, offset + 4);
    offset += 4 + data.length;
  }
  return body;
}

/** The transactions as views into `body`, in block order; `undefined` when the bytes are no complete body. */
export function decodeTemplateBody(body: Uint8Array): Uint8Array[] | undefined {
  if (body.length < 5) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (view.getUint8(0) !== VERSION) return undefined;
  const count = view.getUint32(1, true);
  const transactions: Uint8Array[] = [];
  let offset = 5;
  for (let index = 0; index < count; index += 1) {
    if (offset + 4 > body.length) return undefined;
    const length = view.getUint32(offset, true);
    offset += 4;
    if (offset + length > body.length) return undefined;
    transactions.push(body.subarray(offset, offset + length));
    offset += length;
  }
  return offset === body.length ? transactions : undefined;
}
