const FACTORS: Readonly<Record<string, number>> = {
  ...{ k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 },
};

/** Bytes of a size as the custom resources hold it, such as `10Gi`; the API server has refused everything else. */
export function bytesOf(size: string): number {
  const [, number = '0', unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(size) ?? [];
  return Math.floor(Number(number) * (FACTORS[unit] ?? 1));
}
