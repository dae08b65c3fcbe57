// Conditions in the form of Kubernetes' own, as kstatus and `kubectl wait` read them.
import type { Conditions } from '../api/v1alpha1.ts';

/** What was found of one condition. */
export interface Finding {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word for programs. */
  readonly reason: string;
  readonly message: string;
}

/** What the definitions allow. */
const MAX_MESSAGE = 1_024;

export type Condition = Conditions[number];

/**
 * The conditions after these findings: those that nothing was found of stay, and each keeps its time until its status changes.
 * @param generation of the resource that was looked at @param now RFC 3339
 */
export function withFindings(
  previous: Conditions | undefined,
  findings: readonly Finding[],
  { generation, now }: { readonly generation: number; readonly now: string },
): Conditions {
  const conditions = new Map((previous ?? []).map((condition) => [condition.type, condition]));
  for (const finding of findings) {
    const before = conditions.get(finding.type);
    const lastTransitionTime = before?.status === finding.status ? before.lastTransitionTime : now;
    const message = finding.message.slice(0, MAX_MESSAGE);
    conditions.set(finding.type, { ...finding, message, observedGeneration: generation, lastTransitionTime });
  }
  return [...conditions.values()];
}

/** Conditions whose status is another one now; one that was not there counts as False. */
export function transitions(previous: Conditions | undefined, now: Conditions): readonly Condition[] {
  const before = new Map((previous ?? []).map(({ type, status }) => [type, status]));
  return now.filter(({ type, status }) => (before.get(type) ?? 'False') !== status);
}
