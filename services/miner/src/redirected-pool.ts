import type { ServerUrl } from '@sluice/client/server-url';
import type { Reconnect } from '@sluice/sv2/messages/common/reconnect';

/**
 * The server that a Reconnect names; the same authority must vouch for it [sv2 3.6.5]. Without an authority key nothing
 * could vouch for another host, so that one is not followed.
 */
export function redirectedPool(pool: ServerUrl, { newHost, newPort }: Reconnect): ServerUrl {
  const host = newHost === '' || pool.authorityKey === undefined ? pool.host : newHost;
  return { ...pool, host, port: newPort === 0 ? pool.port : newPort };
}
