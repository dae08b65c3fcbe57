import { describe, expect, it } from 'vitest';
import { imageReference } from '../../src/desired/image-reference.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const other = `sha256:${'1'.repeat(64)}`;
const byTag = { repository: 'r.example/sluice', tag: '1.2.3', digest: '' };
const byDigest = { ...byTag, digest };
const none = { repository: '', tag: '', digest: '' };

describe('an image', () => {
  it.each([
    ["the operator's", none, byTag, 'r.example/sluice:1.2.3'],
    ["the operator's by digest", none, byDigest, `r.example/sluice@${digest}`],
    ['another tag of it', { ...none, tag: '9' }, byDigest, 'r.example/sluice:9'],
    ['the same tag elsewhere', { ...none, repository: 'm.example/s' }, byDigest, 'm.example/s:1.2.3'],
    ['a digest, whatever the tag', { ...none, tag: '9', digest: other }, byTag, `r.example/sluice@${other}`],
    ['all of its own', { repository: 'm.example/s', tag: '9', digest: '' }, byDigest, 'm.example/s:9'],
  ])('is %s', (_what, image, byDefault, reference) => {
    expect(imageReference(image, byDefault)).toBe(reference);
  });
});
