// How large a pool is for so many miners: arithmetic on the assumptions. Nothing here is simulated.
import { assumptions, costOfShare, regionLinks, seconds, shareCosts } from './assumptions.ts';

/** Fewer are not run: one may be exchanged, or its zone be lost. */
const LEAST_GATEWAYS = 3;
const LEAST_IN_A_REGION = 2;
const LEAST_REPLICAS = 2;
/** Distributors, providers and nodes: one works, the other waits. */
const PAIR = 2;
const NATS_SERVERS = 3;
/** Of a gateway. */
const GATEWAY_CORES = 1;
const GATEWAY_GIB = 1;
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
  /** Gateways and validators where every miner has an extended channel. */
  readonly extendedGatewayCores: number;
  readonly extendedValidatorCores: number;
  readonly validators: number;
  /** Of each. */
  readonly validatorMemoryGiB: number;
  readonly natsCores: number;
  /** So many that they are never behind the gateways that are left. */
  readonly channelManagers: number;
  readonly gatewayMemoryGiB: number;
  /** All of the pool, with two nodes. */
  readonly pods: number;
  /** Gateways, share-validators, the leading nats-server and what the others take without a share; no nodes. */
  readonly coresUsed: number;
  /** To ask a cluster for, which is more than what is used. */
  readonly coresToGive: number;
  readonly memoryToGiveGiB: number;
  readonly megabitsUp: number;
  readonly megabitsDown: number;
  readonly megabitsHeaders: number;
  readonly tipMegabytes: number;
  /** Of one copy. */
  readonly sharesGBADay: number;
  readonly creditsGBADay: number;
  /** What streams take from gateways and validators in three copies, and give to the other servers and to validators. */
  readonly megabitsStored: number;
  readonly megabitsCopied: number;
  /** On the disk of each nats-server. */
  readonly megabytesWritten: number;
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
  const gatewayCores = use(shareCosts.gateway) + miners * seconds(assumptions.idleConnection);
  const validatorCores = use(shareCosts.validator);
  const extended = (more: Parameters<typeof seconds>[0]) => sharesPerSecond * seconds(more);
  const extendedValidatorCores = validatorCores + extended(assumptions.extendedValidator);
  const natsCores = use(shareCosts.nats);
  const pods = {
    gateways,
    validators: Math.max(LEAST_REPLICAS, coresFor(extendedValidatorCores)),
    channelManagers: Math.max(LEAST_REPLICAS, Math.ceil(gatewaysLeft / gatewaysAManager())),
  };
  const validatorMemoryGiB = validatorMemory({
    miners: miners / pods.validators,
    sharesPerMinute: assumptions.sharesPerMinute.value,
    jobSeconds: seconds(assumptions.jobEvery),
  });
  const sharesGBADay = (sharesPerSecond * SECONDS_A_DAY * assumptions.shareBytes.value) / 1e9;
  const creditsGBADay = (sharesPerSecond * SECONDS_A_DAY * assumptions.creditBytes.value) / 1e9;
  const megabits = (bytesAnHour: number) => (miners * bytesAnHour * 8) / 3_600 / 1e6;
  const stored = sharesPerSecond * assumptions.shareBytes.value;
  const credited = sharesPerSecond * assumptions.creditBytes.value;
  return {
    miners,
    regions,
    sharesPerSecond,
    ...pods,
    connectionsEach: miners / gateways,
    gatewaysLeft,
    connectionsEachLeft: miners / gatewaysLeft,
    gatewayCores,
    validatorCores,
    extendedGatewayCores: gatewayCores + extended(assumptions.extendedGateway),
    extendedValidatorCores,
    validatorMemoryGiB,
    natsCores,
    coresUsed: gatewayCores + validatorCores + natsCores + PAIR * seconds(assumptions.idlePool),
    gatewayMemoryGiB: gatewayMemory(gateways, miners),
    ...given(pods, natsCores, validatorMemoryGiB),
    megabitsUp: megabits(assumptions.bytesUp.value),
    megabitsDown: megabits(assumptions.bytesDown.value),
    megabitsHeaders: megabits(assumptions.bytesHeaders.value),
    tipMegabytes: (miners * assumptions.tipBytes.value) / 1e6,
    sharesGBADay,
    creditsGBADay,
    megabitsStored: ((stored + credited) * 8) / 1e6,
    // Each other server gets all, and a validator each share.
    megabitsCopied: (((NATS_SERVERS - 1) * (stored + credited) + stored) * 8) / 1e6,
    megabytesWritten: (stored + credited) / 1e6,
    volumeGB: sharesGBADay / TRIMMED_FROM + 30 * creditsGBADay,
  };
}

/** So many that what is used leaves room. */
const coresFor = (used: number) => Math.ceil(used / assumptions.busyAtMost.value);

export interface ValidatorLoad {
  readonly miners: number;
  readonly sharesPerMinute: number;
  readonly jobSeconds: number;
}

/** GiB of a share-validator: duplicate filters of the jobs that are open, and what it knows of each channel and job. */
export function validatorMemory({ miners, sharesPerMinute, jobSeconds }: ValidatorLoad): number {
  const { memoryFixed, jobsOpen, filterShare, shareOfJob } = assumptions;
  const open = seconds(jobsOpen) + jobSeconds;
  const shares = (open / 60) * sharesPerMinute;
  const jobs = Math.min(shares, open / jobSeconds);
  return memoryFixed.value / 1_024 + (miners * (shares * filterShare.value + jobs * shareOfJob.value)) / 1_024 ** 3;
}

/** GiB of so many gateways with so many miners. */
export function gatewayMemory(gateways: number, miners: number): number {
  const { memoryFixed, memoryConnection } = assumptions;
  return (gateways * memoryFixed.value * 1_024 + miners * memoryConnection.value) / 1_024 ** 2;
}

interface Pods {
  readonly gateways: number;
  readonly validators: number;
  readonly channelManagers: number;
}

/** @param natsCores of a server @param validatorMemory GiB of each that is used; twice as much is given, because it also reads on from where another one was */
function given(
  { gateways, validators, channelManagers }: Pods,
  natsCores: number,
  validatorMemory: number,
): Pick<PoolSize, 'pods' | 'coresToGive' | 'memoryToGiveGiB'> {
  const { natsMemory, otherCores, otherMemory, nodeCores, nodeMemory } = assumptions;
  const others = 2 * PAIR;
  const cores = [
    gateways * GATEWAY_CORES,
    validators,
    channelManagers,
    NATS_SERVERS * Math.max(1, coresFor(natsCores)),
    others * otherCores.value,
    PAIR * nodeCores.value,
  ];
  const memory = [
    gateways * GATEWAY_GIB,
    validators * Math.max(otherMemory.value, Math.ceil(4 * validatorMemory) / 2),
    NATS_SERVERS * natsMemory.value,
    (channelManagers + others) * otherMemory.value,
    PAIR * nodeMemory.value,
  ];
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  return {
    pods: gateways + validators + channelManagers + NATS_SERVERS + others + PAIR,
    coresToGive: sum(cores),
    memoryToGiveGiB: sum(memory),
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

export interface Limit {
  readonly name:
    | 'disk'
    | 'three copies'
    | 'one copy'
    | 'channel-managers'
    | 'workers'
    | 'gateways'
    | 'connections'
    | 'incarnations';
  /** At which it is met. */
  readonly miners: number;
  readonly what: string;
  readonly outcome: string;
}

/** What is met first when a pool of the defaults grows. */
export function firstLimits(): readonly Limit[] {
  const bytesAMinerDay = (assumptions.sharesPerMinute.value / 60) * SECONDS_A_DAY * assumptions.shareBytes.value;
  // Each gateway appends once in a window and the time that an append takes.
  const streamOf = (appends: number, alone: number) =>
    appends * (seconds(assumptions.shareWindow) + alone) * assumptions.connectionsPerGateway.value;
  const left = (ZONES - 1) / ZONES;
  const limits: readonly Limit[] = [
    {
      name: 'disk',
      miners: (assumptions.volumeEach.value * 1e9) / bytesAMinerDay,
      what: 'SHARES on a volume of 100 GiB is full within the day in which nothing is trimmed',
      outcome: 'shares are refused with share-not-stored',
    },
    {
      name: 'three copies',
      miners: streamOf(assumptions.appendsThreeCopies.value, seconds(assumptions.appendThreeCopies)),
      what: 'that of three copies has no pause between two appends',
      outcome: 'answers come later, batches become larger; nothing is lost',
    },
    {
      name: 'one copy',
      miners: streamOf(assumptions.appendsOneCopy.value, 1 / assumptions.appendsOneCopy.value),
      what: 'the stream SHARES of one copy has no pause between two appends',
      outcome: 'answers come later, batches become larger; nothing is lost',
    },
    {
      name: 'channel-managers',
      miners: (LEAST_REPLICAS * gatewaysAManager() * assumptions.connectionsPerGateway.value) / left,
      what: 'two channel-managers are slower than the gateways that a lost zone leaves may ask',
      outcome: 'after the loss of a zone they are what its miners wait for',
    },
    {
      name: 'workers',
      miners: LEAST_REPLICAS * assumptions.workersTold.value,
      what: 'two share-validators tell the hashrates of as many workers as they may, where each miner is one',
      outcome: 'live views lack those that were silent longest; credit does not',
    },
    {
      name: 'gateways',
      miners: assumptions.maxGateways.value * assumptions.connectionsPerGateway.value,
      what: 'there are as many gateways as maxReplicas lets there be',
      outcome: 'each has more connections: a new tip comes later, and a lost zone is more for those that are left',
    },
    {
      name: 'connections',
      miners: assumptions.maxGateways.value * left * assumptions.maxConnections.value,
      what: 'those of them that a lost zone leaves have as many connections as they may',
      outcome: 'whoever else comes back is closed unread',
    },
    {
      name: 'incarnations',
      miners: LEAST_REPLICAS * assumptions.maxIncarnations.value * assumptions.connectionsPerGateway.value,
      what: 'two share-validators work on as many gateways as they may',
      outcome: 'others wait for a third one',
    },
  ];
  return limits.toSorted((a, b) => a.miners - b.miners);
}

export function limitAt(name: Limit['name']): number {
  return firstLimits().find((limit) => limit.name === name)!.miners;
}
