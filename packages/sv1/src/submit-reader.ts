// mining.submit as nearly every device writes it, read in one pass over its bytes: no text, no JSON, no object. Whatever has another form is left to
// `parseMessage` and `readMinerRequest`, which take everything; a property test holds the two together.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const ZERO = 0x30;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

const encoder = new TextEncoder();
const METHOD = encoder.encode('mining.submit');
/** Keys, each up to its closing quote; the bit tells that it was seen. */
const ID_KEY = { text: encoder.encode('id'), bit: 1 };
const METHOD_KEY = { text: encoder.encode('method'), bit: 2 };
const PARAMS_KEY = { text: encoder.encode('params'), bit: 4 };
const ALL_KEYS = 7;

const MAX_EXTRANONCE2_SIZE = 32;
/** Larger ids are no safe integers. */
const MAX_ID_DIGITS = 15;
const NO_DIGIT = 0xff;
const digitValues = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) {
  digitValues[value.toString(16).charCodeAt(0)] = value;
  digitValues[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** One serves all connections of a thread: its fields tell of the last share only. */
export class SubmitReader {
  /** The id, a plain number. */
  id = 0;
  /** Where the job's id stands in the line, without quotes: printable ASCII. */
  jobIdFrom = 0;
  jobIdTo = 0;
  /** Overwritten by the next share. */
  extranonce2: Uint8Array;
  /** Unix seconds. */
  ntime = 0;
  nonce = 0;
  /** The sixth parameter, u32. */
  versionBits: number | undefined;
  readonly #extranonces: readonly Uint8Array[];
  #line: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Of the last digits that were read. */
  #number = 0;

  constructor() {
    const memory = new Uint8Array(MAX_EXTRANONCE2_SIZE);
    this.#extranonces = Array.from({ length: MAX_EXTRANONCE2_SIZE + 1 }, (_, size) => memory.subarray(0, size));
    this.extranonce2 = memory;
  }

  /** Reads a line without its line ending. False: it is something else, or of another form, and the fields hold nothing. */
  read(line: Uint8Array): boolean {
    this.#line = line;
    this.#at = 0;
    if (!this.#take(OPENING_BRACE)) return false;
    let seen = 0;
    do {
      const bit = this.#member();
      if (bit === 0 || (seen & bit) !== 0) return false;
      seen |= bit;
    } while (this.#take(COMMA));
    return seen === ALL_KEYS && this.#take(CLOSING_BRACE) && this.#at === line.length;
  }

  /** A key and its value. Returns the bit of the key; 0: another one, or another value. */
  #member(): number {
    if (this.#takeKey(ID_KEY.text)) return this.#readId() ? ID_KEY.bit : 0;
    if (this.#takeKey(PARAMS_KEY.text)) return this.#readParams() ? PARAMS_KEY.bit : 0;
    if (this.#takeKey(METHOD_KEY.text)) return this.#takeText(METHOD) ? METHOD_KEY.bit : 0;
    return 0;
  }

  #readId(): boolean {
    this.#skipBlanks();
    const line = this.#line;
    const from = this.#at;
    let at = from;
    let id = 0;
    for (; at < line.length; at++) {
      const digit = line[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      id = id * 10 + digit;
    }
    const digits = at - from;
    if (digits === 0 || digits > MAX_ID_DIGITS || (digits > 1 && line[from] === ZERO)) return false;
    this.id = id;
    this.#at = at;
    return true;
  }

  #readParams(): boolean {
    if (!this.#take(OPENING_BRACKET) || !this.#skipText() || !this.#take(COMMA)) return false;
    this.#skipBlanks();
    this.jobIdFrom = this.#at + 1;
    if (!this.#skipText()) return false;
    this.jobIdTo = this.#at - 1;
    if (!this.#take(COMMA) || !this.#readExtranonce2() || !this.#take(COMMA) || !this.#readU32()) return false;
    this.ntime = this.#number;
    if (!this.#take(COMMA) || !this.#readU32()) return false;
    this.nonce = this.#number;
    this.versionBits = undefined;
    if (this.#take(COMMA)) {
      if (!this.#readU32()) return false;
      this.versionBits = this.#number;
    }
    return this.#take(CLOSING_BRACKET);
  }

  #readExtranonce2(): boolean {
    if (!this.#take(QUOTE)) return false;
    const line = this.#line;
    const memory = this.#extranonces[MAX_EXTRANONCE2_SIZE]!;
    let at = this.#at;
    let size = 0;
    for (; line[at] !== QUOTE; at += 2) {
      // Behind the end there is no digit either.
      const high = digitValues[line[at] ?? 0]!;
      const low = digitValues[line[at + 1] ?? 0]!;
      if (high === NO_DIGIT || low === NO_DIGIT || size === MAX_EXTRANONCE2_SIZE) return false;
      memory[size++] = (high << 4) | low;
    }
    this.extranonce2 = this.#extranonces[size]!;
    this.#at = at + 1;
    return true;
  }

  /** One to eight digits. */
  #readU32(): boolean {
    if (!this.#take(QUOTE)) return false;
    const line = this.#line;
    const from = this.#at;
    let at = from;
    let value = 0;
    for (; line[at] !== QUOTE; at++) {
      const digit = digitValues[line[at] ?? 0]!;
      if (digit === NO_DIGIT || at - from === 8) return false;
      value = (value << 4) | digit;
    }
    this.#number = value >>> 0;
    this.#at = at + 1;
    return at > from;
  }

  #skipBlanks(): void {
    const line = this.#line;
    while (line[this.#at] === 0x20 || line[this.#at] === 0x09) this.#at += 1;
  }

  /** One sign, with blanks before it. */
  #take(sign: number): boolean {
    this.#skipBlanks();
    if (this.#line[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  /** A key in its quotes and the colon behind it; nothing is taken when it is another one. */
  #takeKey(key: Uint8Array): boolean {
    const from = this.#at;
    if (this.#takeText(key) && this.#take(COLON)) return true;
    this.#at = from;
    return false;
  }

  /** This text in its quotes. */
  #takeText(text: Uint8Array): boolean {
    if (!this.#take(QUOTE)) return false;
    const line = this.#line;
    const from = this.#at;
    for (let index = 0; index < text.length; index++) if (line[from + index] !== text[index]) return false;
    if (line[from + text.length] !== QUOTE) return false;
    this.#at = from + text.length + 1;
    return true;
  }

  /** Any printable ASCII in quotes, without escapes. */
  #skipText(): boolean {
    if (!this.#take(QUOTE)) return false;
    const line = this.#line;
    for (let at = this.#at; at < line.length; at++) {
      const byte = line[at]!;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (byte === BACKSLASH || byte < 0x20 || byte > 0x7e) return false;
    }
    return false;
  }
}
