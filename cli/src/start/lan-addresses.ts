// Where a miner in the local network reaches this machine.
import type { NetworkInterfaceInfo } from 'node:os';

/** Addresses shown; a machine with many virtual networks has more than anybody reads. */
const SHOWN = 8;
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];
const LOOPBACK = '127.0.0.1';

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** The hosts under which a listener on `host` is reached: itself, or the machine's own addresses behind a wildcard. */
export function reachableHosts(host: string, interfaces: Interfaces): readonly string[] {
  if (!WILDCARDS.includes(host)) return [host];
  const outside = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid);
  const ofFamily = (family: 'IPv4' | 'IPv6') =>
    outside.filter((one) => one.family === family).map((one) => one.address);
  const hosts = host === '::' ? [...ofFamily('IPv4'), ...ofFamily('IPv6')] : ofFamily('IPv4');
  return hosts.length === 0 ? [LOOPBACK] : hosts.slice(0, SHOWN);
}

/** Where a program on this machine itself connects. */
export function localHost(host: string): string {
  return WILDCARDS.includes(host) ? LOOPBACK : host;
}
