// What docs/capacity.md says before its tables, with the numbers of the run.
import { show } from '../load/report/table.ts';
import { assumptions, regionLinks, seconds } from './assumptions.ts';
import { gatewaysAManager, limitAt, poolSize } from './pool-size.ts';
import type { CapacityRecord, SimulatedSize } from './record.ts';

const MILLION = 1_000_000;
/** A miner claims a hundredth of its hashrate; a tenth of those that come back do. */
const CLAIM = 100;
const CLAIMING = 0.1;

const thousands = (value: number) => show(Math.round(value / 1_000) * 1_000);
const whole = (value: number) => show(Math.round(value));
const percent = (part: number) => show(Math.round(part * 100));

export function findingsOf({ sizes, storms }: Pick<CapacityRecord, 'sizes' | 'storms'>): string {
  const at = (miners: number, regions: number) =>
    sizes.find(({ size }) => size.miners === miners && size.regions === regions)!;
  const million = at(MILLION, 1);
  const spread = at(MILLION, 5);
  return [
    'All of this is computed, for the defaults but where it says so.',
    '',
    disk(),
    bounds(),
    lostZone(storms),
    stream(million),
    newTip(million, spread),
    cores(million),
    regions(spread),
    claims(million),
  ].join('\n');
}

function disk(): string {
  const { volumeGB, creditsGBADay, sharesGBADay } = poolSize(MILLION, 1);
  return `- **The disk is first.** At ${thousands(limitAt('disk'))} miners a day of shares, of which nothing is trimmed, fills the ${show(assumptions.volumeEach.value)} GB that a volume of 100 GiB has for SHARES, and shares are refused. Give each NATS server ${whole(volumeGB / 1_000)} GB for each thousand
  miners, which is a day of SHARES and thirty of CREDITS, or have fewer, harder shares: a proxy that sends one of a hundred ([bandwidth](bandwidth.md)) or \`sharesPerMinute\`. CREDITS, which nobody trims, grows by ${percent(creditsGBADay / sharesGBADay)} % of what SHARES does.`;
}

function bounds(): string {
  return `- **Bounds of the defaults are next**, and only have to be raised: \`maxReplicas\` of gateways at ${thousands(limitAt('gateways'))} miners. Where each miner is a worker, two share-validators tell the hashrates of ${thousands(limitAt('workers'))}; more of them tell more.`;
}

function lostZone(storms: CapacityRecord['storms']): string {
  const [many, , , two, slow] = storms.map(({ storm, result }) => ({ ...storm.options, ...result }));
  return `- **A lost zone is a matter of seconds.** With two channel-managers, as by default, 99 % of the third of a million miners that comes back mines again after ${whole(two!.after(0.99))} s, and with one for each ${whole(gatewaysAManager())} gateways that are left
  (\`services.channelManager.replicas\`, ${show(many!.channelManagers)} for a million) after ${whole(many!.after(0.99))} s; miners that know of it late, as soon as they know. Meanwhile each of the ${show(many!.gateways)} gateways works at ${percent(many!.gatewayPeak)} % of a core, so it wants a whole one, and a share waits there for ${whole(many!.longestWait * 1_000)} ms at most.
  \`connectionRate\` holds it down: ${show(slow!.connectionRate)} a second, with two channel-managers, brings 99 % back in ${whole(slow!.after(0.99))} s, at ${percent(slow!.gatewayPeak)} % of a core. A gateway has ${show(assumptions.questionsOut.value)} questions about new channels out at most: by this model, without that
  bound two channel-managers never came back, because answers came when nobody waited for them any more.`;
}

function stream({ oneCopy, threeCopies }: SimulatedSize): string {
  const [p50, p99] = [threeCopies.latency.quantile(0.5), threeCopies.latency.quantile(0.99)];
  return `- **The stream SHARES holds a million** with three copies, with answers after ${show(p50)} ms at the median and ${show(p99)} ms at the 99th percentile. Servers of three copies sync what waits in one go, that of one copy each batch by itself:
  it has no pause from ${thousands(limitAt('one copy'))} miners on, and answers take ${show(oneCopy.latency.quantile(0.5))} ms at a million. Nothing is lost by it, batches become larger. What it takes is [measured](#measured-for-this-page) on one machine's disk; a slower one takes less.`;
}

function newTip(one: SimulatedSize, spread: SimulatedSize): string {
  const farthest = Math.max(...regionLinks) * 1_000;
  return `- **A new tip** is with 99 of 100 miners of a million after ${whole(one.tips.quantile(0.99))} ms in one region, and after ${whole(spread.tips.quantile(0.99))} ms in ${spread.size.regions} of which the farthest is ${show(farthest)} ms away. What counts is the connections of a gateway, ${show(assumptions.connectionsPerGateway.value)}; not the size of the pool.`;
}

function cores({ size }: SimulatedSize): string {
  return `- **CPU is not it**: ${whole(size.gatewayCores)} cores of ${show(size.gateways)} are at work in gateways, ${whole(size.extendedGatewayCores)} with extended channels alone. The number of gateways follows from the new tip, and from what a lost zone asks of those that are left. A million miners are given ${show(size.pods)} pods with ${show(size.coresToGive)} cores and ${whole(size.memoryToGiveGiB)} GiB in all.`;
}

function regions({ threeCopies, size }: SimulatedSize): string {
  return `- **In ${show(size.regions)} regions** every answer is as late as the way there and back, and one batch at a time is on it: ${whole(threeCopies.latency.quantile(0.5))} ms at the median. Batches are larger, so the stream has less to do. A pool for each region does not have this.`;
}

function claims({ size }: SimulatedSize): string {
  const comeBack = size.connectionsEachLeft - size.connectionsEach;
  const more = CLAIMING * comeBack * (CLAIM - 1) * (assumptions.sharesPerMinute.value / 60);
  return `- A miner that claims a hundredth of its hashrate sends a hundred times as many shares until its difficulty has followed ([vardiff](vardiff.md)). Where each tenth of those that come back does, a gateway has ${thousands(more)} shares a second more: ${percent(more * seconds(assumptions.gatewayShare))} % of a core.`;
}
