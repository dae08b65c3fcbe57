// Long lists in parts: `limit` and `cursor` of a question.

/** Items of a page when the question names no limit. */
const DEFAULT_LIMIT = 100;
/** At most. */
export const MAX_LIMIT = 1_000;

export interface Page {
  readonly limit: number;
  /** Items up to this id have been told. */
  readonly after: number;
}

/** Why not, for people, when it cannot be read. */
export function readPage(query: URLSearchParams): Page | string {
  const limit = integerOf(query.get('limit') ?? String(DEFAULT_LIMIT));
  if (limit === undefined || limit < 1 || limit > MAX_LIMIT) return `limit: an integer from 1 to ${MAX_LIMIT}`;
  const after = integerOf(query.get('cursor') ?? '0');
  if (after === undefined) return 'cursor: what next_cursor of the page before was';
  return { limit, after };
}

/** @param all in the order of their ids. `next` is the cursor of the page that follows; null on the last. */
export function pageOf<Item extends { readonly id: number }>(
  all: Iterable<Item>,
  { limit, after }: Page,
): { readonly items: readonly Item[]; readonly next: string | null } {
  const items: Item[] = [];
  for (const item of all) {
    if (item.id <= after) continue;
    if (items.length === limit) return { items, next: String(items.at(-1)?.id) };
    items.push(item);
  }
  return { items, next: null };
}

function integerOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
