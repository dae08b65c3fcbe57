import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import type { ServerUrl } from './server-url.ts';

/**
 * The server that a Reconnect names; the same authority must vouch for it [sv2 3.6.5]. Without an authority key nothing
 * could vouch for another host, so that one is not followed.
 */
export function redirectedServer(server: ServerUrl, { newHost, newPort }: Reconnect): ServerUrl {
  const host = newHost === '' || server.authorityKey === undefined ? server.host : newHost;
  return { ...server, host, port: newPort === 0 ? server.port : newPort };
}
