// How large a pool is for so many miners: arithmetic on the assumptions. Nothing here is simulated.
import { assumptions, costOfShare, regionLinks, seconds, shareCosts } from './assumptions.ts';

/** Fewer are not run: one may be exchanged, or its zone be lost. */
const LEAST_GATEWAYS = 3;
const LEAST_IN_A_REGION = 2;
const LEAST_REPLICAS = 2;
/** Of a validator's core. */
const VALIDATOR_USE = 0.6;
const SECONDS_A_DAY = 86_400;
/** SHARES is trimmed sooner where it is fuller, but never within a day. */
const TRIMMED_FROM = 0.6;
export const ZONES = 3;

export interface PoolSize {
  readonly miners: number;
  readonly regions: number;
  readonly sharesPerSecond: number;
  readonly gateways: number;
  readonly connectionsEach: number;
  /** When one of three zones is lost, with its gateways. */
  readonly gatewaysLeft: number;
  readonly connectionsEachLeft: number;
  /** Cores that are used, all pods together. */
  readonly gatewayCores: number;
  readonly validatorCores: number;
  readonly validators: number;
  readonly natsCores: number;
  /** So many that they are never behind the gateways that are left. */
  readonly channelManagers: number;
  readonly gatewayMemoryGiB: number;
  readonly megabitsUp: number;
  readonly megabitsDown: number;
  readonly megabitsHeaders: number;
  readonly tipMegabytes: number;
  /** Of one copy. */
  readonly sharesGBADay: number;
  readonly creditsGBADay: number;
  /** A volume on which SHARES holds the day that it has to, and CREDITS thirty. */
  readonly volumeGB: number;
}

export function poolSize(miners: number, regions: number): PoolSize {
  const { connectionsPerGateway } = assumptions;
  const sharesPerSecond = sharesOf(miners);
  const inRegion = Math.ceil(miners / regions / connectionsPerGateway.value);
  const gateways = regions * Math.max(inRegion, regions === 1 ? LEAST_GATEWAYS : LEAST_IN_A_REGION);
  const gatewaysLeft = Math.floor((gateways * (ZONES - 1)) / ZONES);
  const use = (costs: Parameters<typeof costOfShare>[0]) =>
    sharesPerSecond * costOfShare(costs, sharesPerSecond / gateways);
  const validatorCores = use(shareCosts.validator);
  const sharesGBADay = (sharesPerSecond * SECONDS_A_DAY * assumptions.shareBytes.value) / 1e9;
  const creditsGBADay = (sharesPerSecond * SECONDS_A_DAY * assumptions.creditBytes.value) / 1e9;
  const memoryKiB = gateways * assumptions.memoryFixed.value * 1_024 + miners * assumptions.memoryConnection.value;
  const megabits = (bytesAnHour: number) => (miners * bytesAnHour * 8) / 3_600 / 1e6;
  return {
    miners,
    regions,
    sharesPerSecond,
    gateways,
    connectionsEach: miners / gateways,
    gatewaysLeft,
    connectionsEachLeft: miners / gatewaysLeft,
    gatewayCores: use(shareCosts.gateway) + miners * seconds(assumptions.idleConnection),
    validatorCores,
    validators: Math.max(LEAST_REPLICAS, Math.ceil(validatorCores / VALIDATOR_USE)),
    natsCores: use(shareCosts.nats),
    channelManagers: Math.max(LEAST_REPLICAS, Math.ceil(gatewaysLeft / gatewaysAManager())),
    gatewayMemoryGiB: memoryKiB / 1_024 ** 2,
    megabitsUp: megabits(assumptions.bytesUp.value),
    megabitsDown: megabits(assumptions.bytesDown.value),
    megabitsHeaders: megabits(assumptions.bytesHeaders.value),
    tipMegabytes: (miners * assumptions.tipBytes.value) / 1e6,
    sharesGBADay,
    creditsGBADay,
    volumeGB: sharesGBADay / TRIMMED_FROM + 30 * creditsGBADay,
  };
}

export function sharesOf(miners: number): number {
  return (miners * assumptions.sharesPerMinute.value) / 60;
}

/** Gateways that ask one channel-manager as often as they may, and are answered as soon as they ask. */
export function gatewaysAManager(): number {
  const { questionTurn, channelsOfAQuestion, managerOpen } = assumptions;
  return seconds(questionTurn) / (channelsOfAQuestion.value * seconds(managerOpen));
}

/** One way from the streams to each gateway, regions in turn. */
export function linksOf({ gateways, regions }: Pick<PoolSize, 'gateways' | 'regions'>): readonly number[] {
  return Array.from({ length: gateways }, (_, index) => regionLinks[index % regions]!);
}

/** What is met first when a pool of the defaults grows, by the number of miners at which it is met. */
export function firstLimits(): readonly { readonly miners: number; readonly what: string; readonly outcome: string }[] {
  const bytesAMinerDay = (assumptions.sharesPerMinute.value / 60) * SECONDS_A_DAY * assumptions.shareBytes.value;
  // Each gateway appends once in a window and the time that an append takes.
  const streamOf = (appends: number, alone: number) =>
    appends * (seconds(assumptions.shareWindow) + alone) * assumptions.connectionsPerGateway.value;
  const left = (ZONES - 1) / ZONES;
  return [
    {
      miners: (assumptions.volumeEach.value * 1e9) / bytesAMinerDay,
      what: `SHARES on a volume of 100 GiB is full within the day in which nothing is trimmed`,
      outcome: 'shares are refused with share-not-stored',
    },
    {
      miners: streamOf(assumptions.appendsThreeCopies.value, seconds(assumptions.appendThreeCopies)),
      what: 'the stream SHARES of three copies has none',
      outcome: 'answers come later, batches become larger; nothing is lost',
    },
    {
      miners: streamOf(assumptions.appendsOneCopy.value, 1 / assumptions.appendsOneCopy.value),
      what: 'the stream SHARES of one copy has no pause between two appends',
      outcome: 'answers come later, batches become larger; nothing is lost',
    },
    {
      miners: (LEAST_REPLICAS * gatewaysAManager() * assumptions.connectionsPerGateway.value) / left,
      what: 'two channel-managers are slower than the gateways that a lost zone leaves may ask',
      outcome: 'after the loss of a zone they are what its miners wait for',
    },
    {
      miners: LEAST_REPLICAS * assumptions.maxIncarnations.value * assumptions.connectionsPerGateway.value,
      what: 'two share-validators work on as many gateways as they may',
      outcome: 'others wait for a third one',
    },
  ].toSorted((a, b) => a.miners - b.miners);
}
