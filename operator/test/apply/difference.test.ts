// Properties of the comparison: what the API server and others add makes no difference, and whatever is changed of what was applied does.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { difference } from '../../src/apply/difference.ts';

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly resources: { readonly limits: { readonly cpu: string; readonly memory: string } };
  readonly ports: readonly { readonly containerPort: number; readonly protocol: string }[];
}

const word = fc.stringMatching(/^[a-z]{1,5}$/);
const named = fc.record({ name: word, value: word });
const container: fc.Arbitrary<Container> = fc.record({
  name: word,
  image: word,
  args: fc.array(word, { maxLength: 3 }),
  env: fc.uniqueArray(named, { selector: ({ name }) => name, maxLength: 4 }),
  resources: fc.record({
    limits: fc.record({
      cpu: fc.integer({ min: 1, max: 64_000 }).map((milli) => `${milli}m`),
      memory: fc.constant('1Gi'),
    }),
  }),
  ports: fc.uniqueArray(fc.record({ containerPort: fc.integer({ min: 1, max: 9 }), protocol: fc.constant('TCP') }), {
    selector: ({ containerPort }) => containerPort,
    maxLength: 3,
  }),
});
const applied = fc.record({
  metadata: fc.record({
    labels: fc.dictionary(word, word, { minKeys: 1, maxKeys: 3 }),
    ownerReferences: fc.constant([{ uid: 'u', controller: true, blockOwnerDeletion: false }]),
  }),
  spec: fc.record({
    replicas: fc.nat(9),
    template: fc.record({
      spec: fc.record({
        hostNetwork: fc.constant(false),
        securityContext: fc.constant({ capabilities: { drop: ['ALL'] } }),
        containers: fc.uniqueArray(container, { selector: ({ name }) => name, minLength: 1, maxLength: 3 }),
      }),
    }),
  }),
});
type Applied = typeof applied extends fc.Arbitrary<infer T> ? T : never;

/** As the API server answers: defaults, what others have set, maps in another order, quantities in another form, nothing left out. */
function asLive({ metadata, spec }: Applied, random: () => number): object {
  const turned = <T>(items: readonly T[]) => (random() < 0.5 ? [...items].reverse() : [...items]);
  const cpu = (text: string) => (random() < 0.5 ? String(Number.parseInt(text, 10) / 1000) : text);
  const containers = spec.template.spec.containers.map(({ resources, env, ports, ...rest }) => ({
    ...rest,
    ...(env.length === 0 && random() < 0.5 ? {} : { env: [...turned(env), { name: 'ADDED_BY_OTHERS', value: 'x' }] }),
    terminationMessagePath: '/dev/termination-log',
    resources: {
      limits: {
        ...resources.limits,
        cpu: cpu(resources.limits.cpu),
        memory: resources.limits.memory === '1Gi' ? '1024Mi' : resources.limits.memory,
      },
    },
    ports: turned(ports).map((port) => ({ ...port, name: 'defaulted' })),
  }));
  const { hostNetwork: _, ...podSpec } = spec.template.spec;
  return {
    metadata: {
      ...metadata,
      uid: '1',
      labels: { ...metadata.labels, 'added-by': 'others' },
      ownerReferences: [{ uid: 'another' }, ...metadata.ownerReferences],
    },
    spec: {
      ...spec,
      minReadySeconds: 0,
      template: {
        spec: { ...podSpec, dnsPolicy: 'ClusterFirst', containers: [...turned(containers), { name: 'sidecar' }] },
      },
    },
  };
}

/** Paths of all that is no object or list, as functions that read and write there. */
function leaves(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, inside]) => leaves(inside, [...path, key]));
}

function withChanged(value: unknown, [step, ...rest]: readonly (string | number)[]): unknown {
  if (step === undefined) {
    if (typeof value === 'number') return value + 1;
    if (typeof value === 'boolean') return !value;
    // Another amount where it is one.
    return `9${String(value)}`;
  }
  const copy: Record<string | number, unknown> = Array.isArray(value)
    ? ([...value] as never)
    : { ...(value as object) };
  copy[step] = withChanged(copy[step], rest);
  return copy;
}

const seeded = (seed: number) => {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
};

describe('the difference between what was applied and what there is', () => {
  it('is none through defaults, the order of maps, forms of quantities and the additions of others', () => {
    fc.assert(
      fc.property(applied, fc.nat(), (object, seed) => {
        expect(difference(object, asLive(object, seeded(seed)))).toBe(undefined);
      }),
    );
  });

  it('is found wherever a field of ours is another', () => {
    fc.assert(
      fc.property(applied, fc.nat(), fc.nat(), (object, seed, which) => {
        const all = leaves(object);
        const path = all[which % all.length] ?? [];
        const live = asLive(withChanged(object, path) as Applied, seeded(seed));
        // hostNetwork is left out of what the API server answers, as it does where it is false.
        fc.pre(!path.includes('hostNetwork'));
        expect(difference(object, live)).toBeTypeOf('string');
      }),
    );
  });

  it('names the first field', () => {
    const containers = (image: string) => ({ spec: { template: { spec: { containers: [{ name: 'a', image }] } } } });
    expect(difference(containers('one'), containers('two'))).toBe('spec.template.spec.containers.image');
    expect(difference({ spec: { replicas: 2 } }, {})).toBe('spec');
    expect(difference({ spec: { hostNetwork: true } }, { spec: {} })).toBe('spec.hostNetwork');
  });

  it.each<[string, unknown, unknown]>([
    [
      'an item too many in a list that is no map',
      { spec: { ingress: [{ ports: [{ port: 1 }] }] } },
      { spec: { ingress: [{ ports: [{ port: 1 }, { port: 2 }] }] } },
    ],
    ['the order of arguments', { spec: { args: ['a', 'b'] } }, { spec: { args: ['b', 'a'] } }],
    ['a list of ours that is gone', { spec: { ports: [{ port: 1 }] } }, { spec: {} }],
    ['an amount outside of quantities', { data: { cpu: '0.5' } }, { data: { cpu: '500m' } }],
    [
      'a number that is a text',
      { spec: { ports: [{ port: 1, targetPort: '1' }] } },
      { spec: { ports: [{ port: 1, targetPort: 1 }] } },
    ],
  ])('is %s', (_, object, live) => {
    expect(difference(object, live)).toBeTypeOf('string');
  });

  it('is not what says nothing', () => {
    expect(
      difference({ metadata: { annotations: {} }, spec: { pullSecrets: [], a: '', b: { c: false } } }, { spec: {} }),
    ).toBe(undefined);
  });
});
