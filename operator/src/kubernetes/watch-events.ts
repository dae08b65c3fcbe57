// The body of a watch: one event a line, for as long as the connection lasts.
import type { Readable } from 'node:stream';
import { messageOf } from '@sluice/runtime/errors';
import { errorOfStatus, KubernetesError } from './errors.ts';
import type { KubernetesObject } from './resource.ts';

/** etcd takes no object of more than 1.5 MiB; as JSON it is larger. */
const MAX_EVENT_BYTES = 16 * 2 ** 20;

export interface WatchEvent<T extends KubernetesObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Of a bookmark only the resourceVersion is there. */
  readonly object: T;
}

/**
 * The events of a watch until the API server ends it.
 * @throws KubernetesError of the status that the API server sends in place of an event; `api-answer`; `api-unreachable`
 */
export async function* watchEvents<T extends KubernetesObject>(body: Readable): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines(body)) {
    const event = parseEvent(line);
    if (event.type === 'ERROR') {
      const { code = 500, message = 'a watch failed' } = event.object as { code?: number; message?: string };
      throw errorOfStatus(code, message);
    }
    yield event as unknown as WatchEvent<T>;
  }
}

function parseEvent(line: string): { readonly type: string; readonly object: object } {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new KubernetesError('api-answer', `an event of a watch is no JSON: ${messageOf(error)}`);
  }
}

const NEWLINE = 0x0a;

/** Lines by their ends; what stands behind the last one was cut off, and is nothing. */
async function* lines(body: Readable): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
        const line = Buffer.concat([...begun, chunk.subarray(from, end)]).toString();
        begun = [];
        bytes = 0;
        from = end + 1;
        if (line !== '') yield line;
      }
      if (from === chunk.length) continue;
      bytes += chunk.length - from;
      if (bytes > MAX_EVENT_BYTES)
        throw new KubernetesError('api-answer', `an event of more than ${MAX_EVENT_BYTES} bytes`);
      begun.push(chunk.subarray(from));
    }
  } catch (error) {
    if (error instanceof KubernetesError) throw error;
    throw new KubernetesError('api-unreachable', `a watch broke off: ${messageOf(error)}`, { cause: error });
  }
}
