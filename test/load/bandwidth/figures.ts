// What the hour amounts to, for each way to the pool.
import type { ArmName } from './arms.ts';
import { blocksOf, type Hour, sharesOf, templatesOf, wholeHour } from './hour.ts';
import { type HourRow, hourRows, isSv2, sharesSent } from './hour-ledger.ts';
import type { MeasuredArm, MeasuredHour } from './measured.ts';
import type { VardiffHour } from './vardiff-hour.ts';

/** Of IPv4 and TCP with time stamps, for each segment. */
export const SEGMENT_HEADERS = 20 + 20 + 12;

export interface ArmFigures {
  readonly arm: MeasuredArm;
  readonly rows: readonly HourRow[];
  readonly up: number;
  readonly down: number;
  readonly all: number;
  /** Of all of the hour, in both directions. */
  readonly messages: number;
  /** Estimated headers of TCP and IP, in both directions. */
  readonly headers: number;
  /** ÷ Stratum V1. */
  readonly ratio: number;
}

/** Most of Stratum V1's bytes that a way may take. */
export const bars: Partial<Record<ArmName, number>> = { standard: 0.35, aggregated: 0.25, 'aggregated-60': 0.02 };

export function figuresOf(measured: MeasuredHour, vardiff: VardiffHour, hour: Hour): readonly ArmFigures[] {
  const plain = measured.arms.map((arm) => {
    const rows = hourRows(arm, measured, vardiff, hour.seconds);
    const [up, down] = [total(rows, 'up'), total(rows, 'down')];
    const messages = rows.reduce((sum, row) => sum + row.messages, 0);
    return { arm, rows, up, down, all: up + down, messages, headers: headersOf(arm, rows) };
  });
  const sv1 = plain.find(({ arm }) => arm.name === 'sv1')?.all ?? Number.NaN;
  return plain.map((figures) => ({ ...figures, ratio: figures.all / sv1 }));
}

const total = (rows: readonly HourRow[], direction: HourRow['direction']) =>
  rows.reduce((sum, row) => sum + (row.direction === direction ? row.bytes : 0), 0);

const isOfShares = ({ name }: HourRow) => /SubmitShares|mining\.submit/.test(name);

/** Shares and their answers with the segments that they had at the hour's pace; any other message with one, and one that acknowledges it. */
function headersOf(arm: MeasuredArm, rows: readonly HourRow[]): number {
  const { segmentsUp, segmentsDown } = arm.socketsAtPace;
  const [sent, sentAtPace] = isSv2(arm.name)
    ? [sharesSent(arm.whole.up), sharesSent(arm.atPace.up)]
    : [arm.shares, arm.sharesAtPace];
  const ofShares = ((segmentsUp + segmentsDown) / sentAtPace) * sent;
  const others = rows.reduce((sum, row) => sum + (isOfShares(row) ? 0 : row.messages), 0);
  return (ofShares + 2 * others) * SEGMENT_HEADERS;
}

/** What does not hold of a run. */
export function failuresOf(figures: readonly ArmFigures[], measured: MeasuredHour, hour: Hour): readonly string[] {
  const shares = sharesOf(hour);
  const wrongShares = figures
    .filter(({ arm }) => arm.shares !== shares)
    .map(({ arm }) => `${arm.name}: ${arm.shares} of ${shares} shares were accepted`);
  const keptBack = figures
    .filter(({ arm }) => arm.name === 'aggregated' && sharesSent(arm.whole.up) !== shares)
    .map(({ arm }) => `${arm.name}: ${sharesSent(arm.whole.up)} of ${shares} shares went up`);
  const missed = (hour.seconds < wholeHour.seconds ? [] : figures)
    .filter(({ arm, ratio }) => ratio > (bars[arm.name] ?? Number.POSITIVE_INFINITY))
    .map(({ arm, ratio }) => `${arm.name}: ${ratio} of Stratum V1's bytes`);
  const fewer = measured.tips < blocksOf(hour) || measured.jobs < templatesOf(hour);
  return [
    ...wrongShares,
    ...keptBack,
    ...missed,
    ...(fewer ? [`${measured.jobs} jobs and ${measured.tips} tips`] : []),
  ];
}
