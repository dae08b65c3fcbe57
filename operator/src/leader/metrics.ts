import { defineKnownMetrics, gauge } from '@sluice/runtime/metrics';

export const leaderMetrics = defineKnownMetrics({
  status: gauge('leader_election_master_status', 'Whether this process leads: 1, or 0 when it stands by', {
    name: 'the lease',
  }),
});
