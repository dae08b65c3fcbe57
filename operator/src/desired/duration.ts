const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1 };

/** Seconds of a duration as the custom resources hold it, such as `1h30m`; the API server has refused everything else. */
export function secondsOf(duration: string): number {
  let seconds = 0;
  let number = 0;
  // Without a pattern, which took most of the time of a look at a fleet.
  for (const character of duration) {
    const unit = UNIT_SECONDS[character];
    if (unit === undefined) number = number * 10 + Number(character);
    else {
      seconds += number * unit;
      number = 0;
    }
  }
  return seconds;
}
