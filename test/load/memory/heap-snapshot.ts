// V8's heap snapshots, as its inspector sends them: whose the bytes are. The format is that of Chrome's developer tools.

export interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      /** Of the field `type`: the names of its values, by number. */
      readonly node_types: readonly (readonly string[] | string)[];
      readonly edge_fields: readonly string[];
      readonly edge_types: readonly (readonly string[] | string)[];
    };
  };
  /** All fields of all nodes, one node after the other; the first is the root. */
  readonly nodes: readonly number[];
  /** The same of edges, in the order of the nodes that they leave; `to_node` is the place of a node in `nodes`. */
  readonly edges: readonly number[];
  readonly strings: readonly string[];
}

/** What one class holds: itself, and all that is reached by way of it and has no class of its own to speak of. */
export interface Holding {
  readonly owner: string;
  count: number;
  bytes: number;
}

/** Classes that say nothing of what they are for: they are their holder's. */
const CONTAINERS = new Set(
  ['Array', 'Map', 'Set', 'Object', 'Promise', 'ArrayBuffer', 'Uint8Array', 'DataView', 'Buffer', 'FastBuffer'].concat([
    'Uint16Array',
    'Uint32Array',
    'Int32Array',
    'Float32Array',
    'Float64Array',
    'BigUint64Array',
    'WeakRef',
    'WeakMap',
  ]),
);
/** Where no class is on the way from the root. */
const NOBODY = "V8's own, and Node's";

/**
 * Bytes by owner. Each node belongs to the nearest class on the shortest way to it from the root, so that the store of an array, a closure
 * or a string counts for who holds it. Weak references hold nothing.
 */
export function holdingsOf(heap: HeapSnapshot): ReadonlyMap<string, Holding> {
  const { nodes, edges, strings } = heap;
  const { meta } = heap.snapshot;
  const node = fieldsOf(meta.node_fields);
  const edge = fieldsOf(meta.edge_fields);
  const nodeTypes = meta.node_types[node.at('type')] ?? [];
  const weak = (meta.edge_types[edge.at('type')] ?? []).indexOf('weak');
  const [object, native] = [nodeTypes.indexOf('object'), nodeTypes.indexOf('native')];
  const at = (place: number, field: number) => nodes[place + field] ?? 0;
  const [type, name, size, edgeCount] = [node.at('type'), node.at('name'), node.at('self_size'), node.at('edge_count')];
  const [edgeType, toNode] = [edge.at('type'), edge.at('to_node')];

  const firstEdges = new Uint32Array(nodes.length / node.width);
  for (let index = 0, next = 0; index < firstEdges.length; index++) {
    firstEdges[index] = next;
    next += at(index * node.width, edgeCount) * edge.width;
  }
  const owners = new Array<string | undefined>(firstEdges.length);
  const holdings = new Map<string, Holding>();
  const take = (index: number, inherited: string) => {
    const place = index * node.width;
    const own = ownName(strings[at(place, name)] ?? '', at(place, type) === object, at(place, type) === native);
    const owner = own ?? inherited;
    owners[index] = owner;
    const holding = holdings.get(owner) ?? { owner, count: 0, bytes: 0 };
    holdings.set(owner, holding);
    holding.bytes += at(place, size);
    if (own !== undefined) holding.count += 1;
  };
  take(0, NOBODY);
  const queue = new Uint32Array(firstEdges.length);
  for (let read = 0, written = 1; read < written; read++) {
    const index = queue[read] ?? 0;
    const from = firstEdges[index] ?? 0;
    const to = from + at(index * node.width, edgeCount) * edge.width;
    for (let each = from; each < to; each += edge.width) {
      if (edges[each + edgeType] === weak) continue;
      const next = (edges[each + toNode] ?? 0) / node.width;
      if (owners[next] !== undefined) continue;
      take(next, owners[index] ?? NOBODY);
      queue[written] = next;
      written += 1;
    }
  }
  return holdings;
}

/** Undefined: it belongs to who holds it. */
function ownName(name: string, isObject: boolean, isNative: boolean): string | undefined {
  if (isNative) return name.startsWith('Node / ') ? name : undefined;
  return isObject && !CONTAINERS.has(name) && !name.startsWith('system / ') ? name : undefined;
}

function fieldsOf(names: readonly string[]) {
  return { width: names.length, at: (name: string) => names.indexOf(name) };
}
