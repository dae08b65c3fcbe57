// Subject patterns as NATS has them: tokens between dots, `*` for one token, `>` for all that follow.

/** Whether `subject` (without wildcards) is one of those that `pattern` names. */
export function subjectMatches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split('.');
  const given = subject.split('.');
  for (let index = 0; index < wanted.length; index++) {
    if (wanted[index] === '>') return given.length > index;
    if (index >= given.length) return false;
    if (wanted[index] !== '*' && wanted[index] !== given[index]) return false;
  }
  return wanted.length === given.length;
}

/** Tokens between dots, without wildcards and white space. */
export function isSubject(text: string): boolean {
  return /^[^\s.*>]+(\.[^\s.*>]+)*$/.test(text);
}

/** The same, where a token may be `*` and the last one `>`. */
export function isPattern(text: string): boolean {
  return /^(?:(?:\*|[^\s.*>]+)\.)*(?:[*>]|[^\s.*>]+)$/.test(text);
}

/** Whether a pattern names more than one subject. */
export function hasWildcard(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('>');
}
