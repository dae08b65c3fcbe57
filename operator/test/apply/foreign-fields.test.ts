import { describe, expect, it } from 'vitest';
import { foreignManagers, foreignTemplateFields } from '../../src/apply/foreign-fields.ts';
import type { FieldsV1, KubernetesObject } from '../../src/kubernetes/resource.ts';

const inTemplate = (fields: object) => ({ 'f:spec': { 'f:template': { 'f:spec': fields } } }) as FieldsV1;
const gateway = 'k:{"name":"gateway"}';

const ours = inTemplate({
  'f:containers': {
    [gateway]: { '.': {}, 'f:name': {}, 'f:env': { 'k:{"name":"OURS"}': { '.': {}, 'f:value': {} } } },
  },
});
const theirs = inTemplate({
  'f:hostNetwork': {},
  'f:containers': {
    [gateway]: {
      'f:name': {},
      'f:env': { 'k:{"name":"THEIRS"}': { '.': {}, 'f:name': {}, 'f:value': {} }, 'k:{"name":"GONE"}': { '.': {} } },
    },
    'k:{"name":"side/car"}': { '.': {}, 'f:name': {}, 'f:image': {} },
    'k:{"name":"second"}': { '.': {}, 'f:name': {} },
  },
});

const object = (managedFields: NonNullable<KubernetesObject['metadata']['managedFields']>): KubernetesObject => ({
  metadata: { name: 'x', managedFields },
  ...{
    spec: {
      template: {
        spec: {
          hostNetwork: true,
          containers: [
            { name: 'side/car', image: 'x' },
            {
              name: 'gateway',
              env: [
                { name: 'THEIRS', value: '1' },
                { name: 'OURS', value: '2' },
              ],
            },
            { name: 'second' },
          ],
        },
      },
    },
  },
});

const own = { manager: 'us', operation: 'Apply', fieldsV1: ours };

describe('fields that others have set', () => {
  it('are found where they stand, the last of a list first, and none of ours with them', () => {
    const live = object([own, { manager: 'kubectl-edit', operation: 'Update', fieldsV1: theirs }]);
    expect(foreignTemplateFields(live, 'us')).toEqual(
      [
        '/spec/template/spec/hostNetwork',
        '/spec/template/spec/containers/2',
        '/spec/template/spec/containers/1/env/0',
        '/spec/template/spec/containers/0',
      ].map((pointer) => ({ pointer, manager: 'kubectl-edit' })),
    );
  });

  it('are none where others have set status, metadata or what we have set as well', () => {
    const entries = [
      own,
      {
        manager: 'kube-controller-manager',
        subresource: 'status',
        fieldsV1: { 'f:status': { 'f:replicas': {} } } as FieldsV1,
      },
      { manager: 'cloud', fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:x': {} } } } as FieldsV1 },
    ];
    expect(foreignTemplateFields(object(entries), 'us')).toEqual([]);
    expect(foreignManagers(object(entries), 'us')).toEqual([]);
    const same = { manager: 'kubectl', fieldsV1: ours };
    expect(foreignTemplateFields(object([own, same]), 'us')).toEqual([]);
  });

  it('have a pointer that escapes what it must', () => {
    const live: KubernetesObject = {
      metadata: {
        name: 'x',
        managedFields: [
          {
            manager: 'a',
            fieldsV1: {
              'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { 'f:a.b/c~d': {} } } } },
            } as FieldsV1,
          },
        ],
      },
      ...{ spec: { template: { metadata: { annotations: { 'a.b/c~d': 'x' } } } } },
    };
    expect(foreignTemplateFields(live, 'us').map(({ pointer }) => pointer)).toEqual(['/spec/template/metadata']);
    const owned = {
      manager: 'us',
      fieldsV1: { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': {} } } } } as FieldsV1,
    };
    const shared = {
      ...live,
      metadata: { ...live.metadata, managedFields: [...(live.metadata.managedFields ?? []), owned] },
    };
    expect(foreignTemplateFields(shared, 'us').map(({ pointer }) => pointer)).toEqual([
      '/spec/template/metadata/annotations/a.b~1c~0d',
    ]);
  });
});
