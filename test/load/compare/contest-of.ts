import type { Contest } from './contest.ts';
import { PoolContest } from './pool-contest.ts';
import { ProxyContest } from './proxy-contest.ts';
import type { Subject } from './rows.ts';

export const contestOf = (subject: Subject): Contest => (subject === 'pool' ? new PoolContest() : new ProxyContest());
