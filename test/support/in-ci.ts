/** Whether this runs in CI, where everything must be there and nothing is skipped: `CI` is set, and not to `false` or `0`. */
export const inCi = !['', 'false', '0'].includes(process.env.CI ?? '');
