// Template Distribution servers as they are told to us.
import { formatServerUrl, type ServerUrl, serverUrl } from '@sluice/client/server-url';
import { formatHostPort, listOf, type ValueType } from '@sluice/runtime/config/value-types';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** In order of preference, each of them once. Without an authority key anybody on the way could pose as the server, so it may be on this machine only. */
export function templateServerUrls(): ValueType<readonly ServerUrl[]> {
  const list = listOf(serverUrl());
  return {
    ...list,
    allowed: 'stratum2+tcp://host:port/<authority key>, each server once; the key may be left out on this machine only',
    fault: (servers) => servers.map(keyFault).find((fault) => fault !== undefined) ?? twice(servers),
  };
}

function keyFault(server: ServerUrl): string | undefined {
  if (server.authorityKey !== undefined || LOOPBACK.test(server.host)) return undefined;
  return `${formatServerUrl(server)} has no authority key, and is not on this machine`;
}

function twice(servers: readonly ServerUrl[]): string | undefined {
  const names = servers.map(formatHostPort);
  const again = names.find((name, index) => names.indexOf(name) !== index);
  return again === undefined ? undefined : `server ${again} is given twice`;
}
