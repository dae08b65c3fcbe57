// The password of mining.authorize, which authorizes nothing: `x`, or options such as `d=1024`, as pools and marketplaces have made usual.

/** Difficulties, finite and positive. */
export interface PasswordOptions {
  /** `d=` or `diff=`: where to begin. */
  readonly difficulty: number | undefined;
  /** `fd=`: where to stay. */
  readonly fixedDifficulty: number | undefined;
}

/** Options stand between commas, semicolons or blanks, in any case; the first of a name counts, and what is none is passed over. */
export function parsePasswordOptions(password: string): PasswordOptions {
  const options = new Map<string, number>();
  for (const part of password.split(/[,;\s]+/)) {
    const [, name, digits] = /^(d|diff|fd)=(\d+(?:\.\d*)?|\.\d+)$/i.exec(part) ?? [];
    if (name === undefined) continue;
    const key = name.toLowerCase() === 'fd' ? 'fd' : 'd';
    const value = Number(digits);
    if (value > 0 && value < Infinity && !options.has(key)) options.set(key, value);
  }
  return { difficulty: options.get('d'), fixedDifficulty: options.get('fd') };
}
