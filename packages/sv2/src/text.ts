// STR0_255 as a JavaScript string. The specification lets several of these fields carry any bytes (user_identity), so
// bytes that are no UTF-8 must survive a round trip: each becomes the lone surrogate U+DC00 + byte, as in PEP 383.
// `value.isWellFormed()` therefore says whether a received string was valid UTF-8.
import { Sv2EncodeError } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Any bytes as a string; lossless, see {@link encodeText}. */
export function decodeText(bytes: Uint8Array): string {
  const strict = decodeStrict(bytes);
  if (strict !== undefined) return strict;
  let text = '';
  for (let offset = 0; offset < bytes.length; ) {
    const length = sequenceLength(bytes[offset]!);
    const sequence =
      offset + length <= bytes.length ? decodeStrict(bytes.subarray(offset, offset + length)) : undefined;
    text += sequence ?? String.fromCharCode(0xdc00 + bytes[offset]!);
    offset += sequence === undefined ? 1 : length;
  }
  return text;
}

/** The bytes of a string made by {@link decodeText}, or the UTF-8 of any well-formed one. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    if (codePoint >= 0xdc80 && codePoint <= 0xdcff) bytes.push(codePoint - 0xdc00);
    else if (codePoint >= 0xd800 && codePoint <= 0xdfff)
      throw new Sv2EncodeError('value-out-of-range', `a lone surrogate U+${codePoint.toString(16)} has no bytes`);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

function decodeStrict(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/**
 * Whether a string holds a control character (C0, DEL or C1), which error codes and reason codes must not
 * [sv2 3.5, 5.3.9].
 */
export function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true;
  }
  return false;
}

/** A peer's code or identity made safe for a log line: control characters and lone surrogates become U+FFFD. */
export function printable(text: string): string {
  let safe = '';
  for (const character of text.toWellFormed()) safe += hasControlCharacter(character) ? '\ufffd' : character;
  return safe;
}
