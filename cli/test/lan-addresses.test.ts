import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { localHost, reachableHosts } from '../src/start/lan-addresses.ts';

const common = { netmask: '', mac: '', cidr: null };
const ipv4 = (address: string, internal = false): NetworkInterfaceInfo => ({
  ...{ ...common, address, internal, family: 'IPv4' },
});
const ipv6 = (address: string, scopeid = 0, internal = false): NetworkInterfaceInfo => ({
  ...{ ...common, address, scopeid, internal, family: 'IPv6' },
});
const interfaces = {
  lo: [ipv4('127.0.0.1', true), ipv6('::1', 0, true)],
  eth0: [ipv4('192.168.1.5'), ipv6('fe80::1', 2), ipv6('2001:db8::5')],
  wlan0: [ipv4('10.0.0.7')],
};

describe('reachableHosts', () => {
  it('are the addresses of this machine behind a wildcard', () => {
    expect(reachableHosts('0.0.0.0', interfaces)).toEqual(['192.168.1.5', '10.0.0.7']);
    expect(reachableHosts('::', interfaces)).toEqual(['192.168.1.5', '10.0.0.7', '2001:db8::5']);
  });

  it('are the host that was named', () => {
    expect(reachableHosts('pool.example', interfaces)).toEqual(['pool.example']);
  });

  it('are the loopback address without a network, and never too many', () => {
    expect(reachableHosts('0.0.0.0', { lo: interfaces.lo })).toEqual(['127.0.0.1']);
    const many = Array.from({ length: 30 }, (_, index) => ipv4(`172.17.0.${index}`));
    expect(reachableHosts('0.0.0.0', { many })).toHaveLength(8);
  });

  it('are reached on this machine over loopback', () => {
    expect(['0.0.0.0', '::', '192.168.1.5'].map(localHost)).toEqual(['127.0.0.1', '127.0.0.1', '192.168.1.5']);
  });
});
