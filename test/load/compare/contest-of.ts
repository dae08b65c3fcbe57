import type { Contest } from './contest.ts';
import { PoolContest } from './pool-contest.ts';
import { ProxyContest } from './proxy-contest.ts';
import type { Subject } from './rows.ts';

/** @param withFloor in the place of the peer */
export const contestOf = (subject: Subject, withFloor: boolean): Contest =>
  subject === 'pool' ? new PoolContest(withFloor) : new ProxyContest(withFloor);
