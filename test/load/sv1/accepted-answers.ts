// Answers that accept a share, read without parsing them: such lines of a server differ in nothing but the number. What stands around it is
// learnt from the first, which is parsed.

const HEAD = Buffer.from('{"id":');
const ZERO = 0x30;
const NONE = -1;

/** For one server. */
export class AcceptedAnswers {
  #tail: Uint8Array | undefined;

  /** The id of an answer that accepts, by its line without line ending; -1: the line is another, or has a form that was not learnt. */
  idOf(line: Uint8Array): number {
    const tail = this.#tail;
    const digitsEnd = line.length - (tail?.length ?? 0);
    if (tail === undefined || digitsEnd <= HEAD.length || !endsWith(line, HEAD, HEAD.length)) return NONE;
    let id = 0;
    for (let at = HEAD.length; at < digitsEnd; at++) {
      const digit = line[at]! - ZERO;
      if (digit < 0 || digit > 9) return NONE;
      id = id * 10 + digit;
    }
    return endsWith(line, tail, line.length) ? id : NONE;
  }

  /** `line` was parsed: it accepts the request of this id. */
  learn(line: Uint8Array, id: number): void {
    const start = HEAD.length + String(id).length;
    if (Buffer.from(line.subarray(0, start)).toString('latin1') === `${HEAD}${id}`) this.#tail = line.slice(start);
  }
}

/** Whether `part` ends at `end`. */
function endsWith(line: Uint8Array, part: Uint8Array, end: number): boolean {
  const start = end - part.length;
  for (let index = 0; index < part.length; index++) if (line[start + index] !== part[index]) return false;
  return true;
}
