import type { Axis } from '../../../packages/mining/simulation/svg-plot.ts';

/** From 0, with about six ticks at round numbers. */
export function linear(label: string, max: number): Axis {
  const rough = max / 6;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((each) => each >= rough) ?? rough;
  const ticks = Array.from({ length: Math.floor(max / step) + 1 }, (_, index) => {
    const at = index * step;
    return { at, text: String(Number(at.toPrecision(3))) };
  });
  return { label, min: 0, max, ticks };
}
