// What nobody caught, thrown or rejected. What the process knows may be wrong from then on: it ends, in order, with a code that says so,
// and whoever runs it starts it anew.
import { codeOf, messageOf } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Shutdown } from './shutdown.ts';

/** Errors told; what fails again and again on its way down would fill the log. */
const TOLD = 16;

/** Returns how to stop listening. */
export function endOnUncaught(shutdown: Shutdown, log: Logger): () => void {
  let seen = 0;
  const onUncaught = (error: unknown, origin: string) => {
    seen += 1;
    if (seen <= TOLD)
      log.fatal({ code: codeOf(error), reason: messageOf(error), origin, error }, 'an error nobody caught');
    shutdown.fail(origin);
  };
  process.on('uncaughtException', onUncaught);
  return () => process.off('uncaughtException', onUncaught);
}
