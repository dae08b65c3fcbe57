// Workloads as caches keep them: the template of their pods, most of what there is of one, as text. It is compared and looked into seldom, and made of
// objects it takes three times the memory.
import type { KubernetesObject } from './resource.ts';

interface Workload extends KubernetesObject {
  readonly spec?: { readonly template?: unknown };
}

/** The object with a template that is made of its text each time that it is read; any other object as it is. */
export function withPackedTemplate<T extends KubernetesObject>(object: T): T {
  const { spec } = object as Workload;
  return spec?.template === undefined ? object : { ...object, spec: new PackedSpec(spec) };
}

class PackedSpec {
  readonly #template: string;

  constructor({ template, ...others }: object & { readonly template?: unknown }) {
    Object.assign(this, others);
    this.#template = JSON.stringify(template);
  }

  get template(): unknown {
    return JSON.parse(this.#template);
  }
}
