// The id of a JSON-RPC message as it was written. A client compares what comes back with what it sent, and JSON.parse keeps neither large
// numbers nor the form of a string or a fraction.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSING_BRACKET = 0x5d;
const CLOSING_BRACE = 0x7d;
const ID_KEY = '"id"';

/** Text of the value of `id` in a text that JSON.parse has taken for an object: the last one, as there; `null` when there is none. */
export function rawIdOf(text: string): string {
  let id = 'null';
  let at = skipBlanks(text, skipBlanks(text, 0) + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at);
    const from = skipBlanks(text, skipBlanks(text, keyEnd) + 1);
    const to = endOfValue(text, from);
    if (isIdKey(text, at, keyEnd)) id = text.slice(from, to);
    at = skipBlanks(text, to);
    if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
  }
  return id;
}

function isIdKey(text: string, from: number, to: number): boolean {
  if (to - from === ID_KEY.length) return text.startsWith(ID_KEY, from);
  const key = text.slice(from, to);
  return key.includes('\\') && JSON.parse(key) === 'id';
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

/** Offset after the closing quote of the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  let quote = from;
  do quote = text.indexOf('"', quote + 1);
  while (isEscaped(text, quote));
  return quote + 1;
}

/** A quote behind an odd number of backslashes is part of its string. */
function isEscaped(text: string, quote: number): boolean {
  let at = quote - 1;
  while (text.charCodeAt(at) === BACKSLASH) at -= 1;
  return (quote - 1 - at) % 2 === 1;
}

function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (isOpening(character)) {
      depth += 1;
      at += 1;
    } else if (depth === 0 && isEndOfScalar(character)) return at;
    else {
      if (isClosing(character)) depth -= 1;
      at += 1;
    }
    if (depth === 0 && (character === QUOTE || isClosing(character))) return at;
  }
  return text.length;
}

function isOpening(character: number): boolean {
  return character === 0x5b || character === 0x7b;
}

function isClosing(character: number): boolean {
  return character === CLOSING_BRACKET || character === CLOSING_BRACE;
}

function isEndOfScalar(character: number): boolean {
  return character === COMMA || character <= 0x20 || isClosing(character);
}
