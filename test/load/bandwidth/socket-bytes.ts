// What the operating system has carried over the connections of a server, from their tcp_info: `ss` of iproute2.
import { execFileSync } from 'node:child_process';

const OUTPUT_BOUND = 64 * 1_048_576;

/** Of all open connections together; bytes are TCP payload, segments those with and without any. */
export interface SocketCount {
  readonly connections: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly segmentsUp: number;
  readonly segmentsDown: number;
}

/** Of the connections to this port of loopback that are open; up is towards the server. */
export function countSockets(port: number): SocketCount {
  const text = execFileSync('ss', ['-tinH', 'state', 'established', `sport = :${port}`], {
    encoding: 'utf8',
    maxBuffer: OUTPUT_BOUND,
  });
  const sum = (field: string) => {
    let total = 0;
    for (const [, value] of text.matchAll(new RegExp(`\\b${field}:(\\d+)`, 'g'))) total += Number(value);
    return total;
  };
  return {
    connections: text.match(/\bsegs_in:/g)?.length ?? 0,
    bytesUp: sum('bytes_received'),
    // What was sent again is in it.
    bytesDown: sum('bytes_sent') - sum('bytes_retrans'),
    segmentsUp: sum('segs_in'),
    segmentsDown: sum('segs_out'),
  };
}
