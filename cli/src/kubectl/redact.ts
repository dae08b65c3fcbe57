// What goes to others without what is secret. Secrets themselves are never read.

const HIDDEN = '(hidden)';

/** Fields whose text is a secret; references to Secrets are objects, and stay. */
const secretName = /password|passphrase|token|cookie|secret$|private-?key|credentials$/i;
/** They repeat the whole object, or who wrote what. */
const left = new Set(['managedFields', 'kubectl.kubernetes.io/last-applied-configuration']);

const secretTexts: readonly (readonly [RegExp, string])[] = [
  // Up to the last @: a password may have one.
  [/([a-z][a-z0-9+.-]*:\/\/)[^/\s"']+@/gi, `$1${HIDDEN}@`],
  // With quotes that are escaped where JSON stands in JSON.
  [/((?:password|passphrase|token|secret|cookie)\\*"?[=:]\s*\\*"?)[^&\s"',}\\]+/gi, `$1${HIDDEN}`],
  [/((?:Bearer|Authorization\\*"?:\s*\\*"?Basic)\s+)[\w.~+/=-]+/gi, `$1${HIDDEN}`],
  // Private keys of descriptors: extended ones, and single ones, which elsewhere look like the authority keys of pools.
  [/\b[a-zA-Z]prv[1-9A-HJ-NP-Za-km-z]{20,}/g, HIDDEN],
  [/(?<=[(,\]])[5KL9c][1-9A-HJ-NP-Za-km-z]{50,51}(?=[),])/g, HIDDEN],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, HIDDEN],
];

export const redactedText = (text: string): string =>
  secretTexts.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text);

/** A copy of what JSON can hold. */
export function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactedText(value);
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => !left.has(name));
  return Object.fromEntries(
    entries.map(([name, each]) => [name, typeof each === 'string' && secretName.test(name) ? HIDDEN : redacted(each)]),
  );
}
