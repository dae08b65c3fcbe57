import type { Image } from '../api/v1alpha1.ts';

/** What an image is taken to be where a resource says nothing of it. */
export interface DefaultImage {
  readonly repository: string;
  readonly tag: string;
  /** Empty: by the tag. */
  readonly digest: string;
}

/** `repository@digest`, or `repository:tag` without one. The default's digest is of its own repository and tag alone. */
export function imageReference(image: Pick<Image, 'repository' | 'tag' | 'digest'>, byDefault: DefaultImage): string {
  const { repository, tag, digest } = image.repository + image.tag + image.digest === '' ? byDefault : image;
  const name = repository === '' ? byDefault.repository : repository;
  return digest === '' ? `${name}:${tag === '' ? byDefault.tag : tag}` : `${name}@${digest}`;
}
