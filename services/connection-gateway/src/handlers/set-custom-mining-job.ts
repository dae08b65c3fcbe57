// SetCustomMiningJob [sv2 5.3.18]: the pool takes no custom jobs yet, and says so to each.
import type { SetCustomMiningJob } from '@sluice/sv2/messages/mining/set-custom-mining-job';
import { SetCustomMiningJobError } from '@sluice/sv2/messages/mining/set-custom-mining-job-error';
import type { Connection } from '../connection.ts';

export function handleSetCustomMiningJob(connection: Connection, job: SetCustomMiningJob): void {
  connection.send(SetCustomMiningJobError, {
    channelId: job.channelId,
    requestId: job.requestId,
    errorCode: 'jd-not-supported',
  });
  connection.refused('SetCustomMiningJob.Error', 'jd-not-supported');
}
