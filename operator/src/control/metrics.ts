// Under the names of controller-runtime and client-go, so that dashboards and alerts made for operators in Go hold for this one.
import { counter, defineKnownMetrics, gauge, histogram } from '@sluice/runtime/metrics';

const controller = { controller: 'the kind that is reconciled, in small letters' } as const;
const queue = { name: 'the kind that is reconciled, in small letters' } as const;
const TIMES_S = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const reconcileResults = ['success', 'requeue_after', 'error'] as const;

export const controllerMetrics = defineKnownMetrics({
  reconciles: counter('controller_runtime_reconcile_total', 'Reconciliations by what came of them', {
    ...controller,
    result: reconcileResults,
  }),
  errors: counter('controller_runtime_reconcile_errors_total', 'Reconciliations that failed', controller),
  reconcileTime: histogram(
    'controller_runtime_reconcile_time_seconds',
    'How long one reconciliation takes',
    TIMES_S,
    controller,
  ),
  active: gauge('controller_runtime_active_workers', 'Reconciliations under way', controller),
});

export const queueMetrics = defineKnownMetrics({
  depth: gauge('workqueue_depth', 'Keys that wait to be reconciled', queue),
  adds: counter('workqueue_adds_total', 'Keys that were put into the queue', queue),
  queueTime: histogram('workqueue_queue_duration_seconds', 'How long a key waits in the queue', TIMES_S, queue),
  workTime: histogram('workqueue_work_duration_seconds', 'How long a key that was taken is worked on', TIMES_S, queue),
  retries: counter('workqueue_retries_total', 'Keys that were put off because their reconciliation failed', queue),
});
