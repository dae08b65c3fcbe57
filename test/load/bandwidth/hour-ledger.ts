// The messages of the hour, from those that were measured without its pauses: what depends on time is put in its place.
import { sealedPayloadLength } from '@sluice/noise/transport';
import { setDifficultyLine } from '@sluice/sv1/server-lines';
import type { TrafficRow } from '../measure/traffic.ts';
import type { ArmName } from './arms.ts';
import { type Direction, directions, messagesOf } from './ledger.ts';
import type { MeasuredArm, MeasuredHour } from './measured.ts';
import type { VardiffHour } from './vardiff-hour.ts';

export interface HourRow extends TrafficRow {
  readonly direction: Direction;
  /** As many as were counted; other than `messages` where time decides. */
  readonly counted: number;
}

const SEALED_HEADER = 22;
/** Channel id and target. */
const SET_TARGET_PAYLOAD = 36;
/** Channel id, job id, min_ntime, version, merkle root. */
const NEW_MINING_JOB_PAYLOAD = 49;
/** Silence after which a proxy asks whether the pool is there. */
const PROBE_AFTER_S = 3;
/** Of a device of 200 TH/s with six shares a minute, as a power of two. */
const DEVICE_DIFFICULTY = 2 ** 18;
const EXTENSIONS = 'messages of extensions';
const SUCCESS = 'SubmitShares.Success';

/** By falling bytes. */
export function hourRows(
  arm: MeasuredArm,
  hour: MeasuredHour,
  vardiff: VardiffHour,
  seconds: number,
): readonly HourRow[] {
  const rows = directions.flatMap((direction) =>
    arm.whole[direction].map((row) => {
      const messages = messagesInHour(row, arm, hour, seconds);
      return { ...row, direction, counted: row.messages, messages, bytes: (row.bytes / row.messages) * messages };
    }),
  );
  return [...rows, ...targetsOf(arm, vardiff)].filter(({ messages }) => messages > 0).sort((a, b) => b.bytes - a.bytes);
}

function messagesInHour({ name, messages }: TrafficRow, arm: MeasuredArm, hour: MeasuredHour, seconds: number): number {
  if (name === SUCCESS) return sharesSent(arm.whole.up) * answersAShare(arm);
  if (name === EXTENSIONS && isAggregated(arm.name)) return 1 + probes(arm, hour, seconds);
  // Those of the simulation stand for them.
  if (name === 'SetTarget') return 0;
  return messages;
}

const isAggregated = (name: ArmName) => name === 'aggregated' || name === 'aggregated-60';
export const isSv2 = (name: ArmName) => name !== 'sv1';

/** Of Stratum V2. */
export function sharesSent(up: readonly TrafficRow[]): number {
  return messagesOf(up, 'SubmitSharesStandard') + messagesOf(up, 'SubmitSharesExtended');
}

/** One answer may stand for several shares that come close together: as it was at the pace of the hour. */
export const answersAShare = ({ atPace }: MeasuredArm) => messagesOf(atPace.down, SUCCESS) / sharesSent(atPace.up);

/**
 * What comes from the pool is a Poisson process of so many messages a second: e^-3r of the pauses last for three seconds, as many of those
 * for three more, and so on.
 */
function probes(arm: MeasuredArm, { jobs, tips }: MeasuredHour, seconds: number): number {
  const rate = (sharesSent(arm.whole.up) * answersAShare(arm) + jobs + tips) / seconds;
  const lasts = Math.exp(-PROBE_AFTER_S * rate);
  return (rate * seconds * lasts) / (1 - lasts);
}

/** SetTarget, and the job that goes with an easier one. */
function targetsOf({ name, whole, connections }: MeasuredArm, vardiff: VardiffHour): readonly HourRow[] {
  const { setTargets, eased, setDifficulties } = vardiff;
  const row = (title: string, messages: number, each: number, counted: number): HourRow => ({
    ...{ name: title, direction: 'down', counted, messages, bytes: messages * each },
  });
  // Pools of Stratum V1 leave a job for it to the next template.
  if (!isSv2(name))
    return [
      row('mining.set_difficulty', setDifficulties * connections, setDifficultyLine(DEVICE_DIFFICULTY).length, 0),
    ];
  const channels =
    messagesOf(whole.up, 'OpenStandardMiningChannel') + messagesOf(whole.up, 'OpenExtendedMiningChannel');
  const extendedJobs = whole.down.find((row) => row.name === 'NewExtendedMiningJob');
  const jobBytes =
    isAggregated(name) && extendedJobs !== undefined
      ? extendedJobs.bytes / extendedJobs.messages
      : sealed(NEW_MINING_JOB_PAYLOAD);
  return [
    row('SetTarget', setTargets * channels, sealed(SET_TARGET_PAYLOAD), messagesOf(whole.down, 'SetTarget')),
    row('job for an easier target', eased * channels, jobBytes, 0),
  ];
}

const sealed = (payloadLength: number) => SEALED_HEADER + sealedPayloadLength(payloadLength);
