// SRI's programs and the peer on its crates, built into the cache ahead of the suites that need them: on a new machine that takes longer
// than a suite may wait. What cannot be built here, its suites say.
import { buildSriPeer, whyNoSriPeer } from '../test/support/sri.ts';
import { buildSriProgram, sriPrograms, whyNoSriProgram } from '../test/support/sri-programs.ts';

if (whyNoSriPeer() === undefined) await buildSriPeer();
for (const name of sriPrograms) if (whyNoSriProgram(name) === undefined) await buildSriProgram(name);
