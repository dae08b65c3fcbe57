// A TCP connection to a server.
import { connect, type Socket } from 'node:net';

const CONNECT_DEADLINE_MS = 5_000;

/** Small messages are sent at once; a dead peer is noticed by keep-alive. */
export function connectTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    const giveUp = () => socket.destroy(new Error(`no connection to ${host}:${port}`));
    const timer = setTimeout(giveUp, CONNECT_DEADLINE_MS);
    const settled = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    };
    const onError = (error: Error) => {
      settled();
      reject(error);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      settled();
      socket.off('error', onError);
      resolve(socket);
    });
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp);
  });
}
