const UNIT_SECONDS = { h: 3_600, m: 60, s: 1 } as const;

/** Seconds of a duration as the custom resources hold it, such as `1h30m`; the API server has refused everything else. */
export function secondsOf(duration: string): number {
  return [...duration.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS],
    0,
  );
}
