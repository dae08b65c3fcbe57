// Children that cannot be made, each on its own: the others are made all the same.
import { messageOf } from '@sluice/runtime/errors';
import { ChildError } from '../apply/errors.ts';
import type { Finding } from '../status/conditions.ts';

/** Whether one child is the matter, and not whether anything may be written at all. */
export const isChildFault = (error: unknown): error is ChildError =>
  error instanceof ChildError && error.code !== 'not-leader';

/** For `catch`: keeps what is the matter with a child, and lets everything else through. */
export const collect =
  (faults: ChildError[]) =>
  (error: unknown): undefined => {
    if (!isChildFault(error)) throw error;
    faults.push(error);
  };

/** What is refused, or belongs to others, is not better a moment later. */
export const REFUSED_RETRY_MS = 60_000;

export const faultReason = ({ code }: ChildError): string =>
  code === 'name-conflict' ? 'NameConflict' : 'InvalidChild';

/** The findings, with Ready False where a child cannot be made, whatever the others are. */
export function readyUnless(refused: readonly ChildError[], findings: readonly Finding[]): readonly Finding[] {
  const [first] = refused;
  if (first === undefined) return findings;
  const message = refused.map(messageOf).join('; ');
  const ready: Finding = { type: 'Ready', status: 'False', reason: faultReason(first), message };
  return [...findings.filter(({ type }) => type !== 'Ready'), ready];
}

/** Degraded, with the reason of the first; none where nothing is the matter. */
export function degraded(faults: readonly ChildError[]): readonly Finding[] {
  const [first] = faults;
  if (first === undefined) return [];
  const message = faults.map(messageOf).join('; ');
  return [{ type: 'Degraded', status: 'True', reason: faultReason(first), message }];
}
