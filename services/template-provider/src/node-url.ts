// A node as it is told to us: where its RPC is, how it lets us in, and where it announces blocks.

import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileFault, readableFolder } from '@sluice/runtime/config/path-types';
import { listOf, parsePath, url, type ValueType } from '@sluice/runtime/config/value-types';
import { systemReasonOf } from '@sluice/runtime/errors';

const PARAMETERS: readonly string[] = ['cookie', 'credentials', 'zmq'];
/** Those that are paths. */
const PATHS = ['cookie', 'credentials'] as const;

/** As Kubernetes mounts a Secret of type kubernetes.io/basic-auth. */
const credentialsFolder = readableFolder('username', 'password');

/** Nodes in order of preference, each of them once. */
export function nodeUrls(): ValueType<readonly URL[]> {
  const list = listOf(nodeUrl());
  return { ...list, fault: (nodes) => list.fault?.(nodes) ?? twice(nodes) };
}

function nodeUrl(): ValueType<URL> {
  const form = url(['http', 'https']);
  return {
    ...form,
    allowed:
      'http://[user:password@]host:port[?cookie=FILE][&credentials=FOLDER][&zmq=tcp://host:port], each node once',
    parse(text) {
      const node = form.parse(text);
      for (const name of PATHS) {
        const given = node?.searchParams.get(name) ?? '';
        const path = parsePath(given);
        if (path !== undefined && path !== given) node?.searchParams.set(name, path);
      }
      return node;
    },
    fault: nodeFault,
  };
}

/** Shows of a node its host alone: the rest may hold a password. */
function nodeFault({ host, searchParams, username, hash }: URL): string | undefined {
  const unknown = [...searchParams.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined) return `node ${host} has a parameter "${unknown}"`;
  const repeated = PARAMETERS.find((key) => searchParams.getAll(key).length > 1);
  if (repeated !== undefined) return `node ${host} has two parameters "${repeated}"`;
  if (hash !== '') return `node ${host} has a "#" behind it: in a password it is written %23`;
  const zmq = searchParams.get('zmq');
  if (zmq !== null && !isZmqAddress(zmq)) return `node ${host} has zmq=${zmq}, which is not tcp://host:port`;
  const paths = PATHS.filter((name) => searchParams.has(name));
  const given = [...(username === '' ? [] : ['a user']), ...paths.map((name) => named[name])];
  if (given.length > 1) return `node ${host} has ${given.join(' and ')}, and needs one of them`;
  const [name] = paths;
  const fault = name && faults[name](searchParams.get(name) ?? '');
  return fault === undefined ? undefined : `the ${name} of node ${host}: ${fault}`;
}

const named = { cookie: 'a cookie', credentials: 'credentials' };

const faults = {
  cookie: cookieFault,
  credentials: (folder: string) =>
    parsePath(folder) === undefined ? `"${folder}" is no path` : credentialsFolder.fault?.(folder),
};

/** A node that does not run has no cookie, and makes one when it starts. */
function cookieFault(cookie: string): string | undefined {
  if (parsePath(cookie) === undefined) return `"${cookie}" is no path`;
  if (statSync(cookie, { throwIfNoEntry: false }) !== undefined) return fileFault(cookie);
  try {
    return statSync(dirname(cookie)).isDirectory() ? undefined : `${dirname(cookie)} is not a folder`;
  } catch (error) {
    return `${dirname(cookie)}: ${systemReasonOf(error)}`;
  }
}

function twice(nodes: readonly URL[]): string | undefined {
  const again = nodes.find(({ host }, index) => nodes.findIndex((other) => other.host === host) !== index);
  return again === undefined ? undefined : `node ${again.host} is given twice`;
}

/** Where a node publishes its blocks: -zmqpubrawblock or -zmqpubhashblock. */
export function zmqAddress(): ValueType<string> {
  return {
    allowed: 'tcp://host:port, with a port from 1 to 65535',
    placeholder: 'tcp://HOST:PORT',
    parse: (text) => (isZmqAddress(text) ? text : undefined),
    format: (address) => address,
  };
}

function isZmqAddress(text: string): boolean {
  const port = Number(/^tcp:\/\/(?:\[[\da-fA-F:.]+\]|[^\s/:[\]]+):(\d{1,5})$/.exec(text)?.[1] ?? 0);
  return port > 0 && port <= 65_535;
}
