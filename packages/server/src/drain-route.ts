// GET, POST and DELETE /drain: how the operator of a pod tells it which connections are to go, and how far that is.
import type { JsonAnswer } from '@sluice/runtime/json-routes';
import type { OrderRoutes } from '@sluice/runtime/order-routes';
import { readSecretFile } from '@sluice/runtime/secret-file';
import type { MoveOrder, MoveOrders } from './move-orders.ts';

const PATH = '/drain';
const NAME = /^[ -~]{1,64}$/;
const MAX_KEEP = 1_000_000;
const MAX_SECONDS = 3_600;

/** @param tokenFile with what each request must be signed with, read at each of them; undefined: nobody gives orders. */
export function addDrainRoute(routes: OrderRoutes, tokenFile: string | undefined, orders: MoveOrders): void {
  if (tokenFile === undefined) return;
  const progress = (): JsonAnswer => ({ status: 200, body: orders.progress });
  routes.add(PATH, () => readSecretFile(tokenFile), {
    GET: progress,
    POST: (query) => {
      const order = orderOf(query);
      if (typeof order === 'string') return { status: 400, body: { error: order } };
      orders.begin(order);
      return progress();
    },
    DELETE: () => {
      orders.cancel();
      return progress();
    },
  });
}

/** What is asked for, or why it cannot be. */
function orderOf(query: URLSearchParams): MoveOrder | string {
  const order = query.get('order') ?? '';
  if (!NAME.test(order)) return 'order: 1 to 64 characters of ASCII';
  const keep = integerOf(query.get('keep'));
  if (keep === undefined || keep > MAX_KEEP) return `keep: 0 to ${MAX_KEEP}`;
  const seconds = integerOf(query.get('seconds'));
  if (seconds === undefined || seconds < 1 || seconds > MAX_SECONDS) return `seconds: 1 to ${MAX_SECONDS}`;
  return { order, keep, deadlineMs: seconds * 1_000 };
}

const integerOf = (text: string | null) => (text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined);
