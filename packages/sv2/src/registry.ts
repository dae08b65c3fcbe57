// All messages, and the way from a frame header to the declaration. Field walks need no table of their own: what is
// listed here is what exists.
import type { Message } from './message.ts';
import { ChannelEndpointChanged } from './messages/common/channel-endpoint-changed.ts';
import { Reconnect } from './messages/common/reconnect.ts';
import { SetupConnection } from './messages/common/setup-connection.ts';
import { SetupConnectionError } from './messages/common/setup-connection-error.ts';
import { SetupConnectionSuccess } from './messages/common/setup-connection-success.ts';
import { RequestExtensions } from './messages/extensions/request-extensions.ts';
import { RequestExtensionsError } from './messages/extensions/request-extensions-error.ts';
import { RequestExtensionsSuccess } from './messages/extensions/request-extensions-success.ts';
import { AllocateMiningJobToken } from './messages/job-declaration/allocate-mining-job-token.ts';
import { AllocateMiningJobTokenSuccess } from './messages/job-declaration/allocate-mining-job-token-success.ts';
import { DeclareMiningJob } from './messages/job-declaration/declare-mining-job.ts';
import { DeclareMiningJobError } from './messages/job-declaration/declare-mining-job-error.ts';
import { DeclareMiningJobSuccess } from './messages/job-declaration/declare-mining-job-success.ts';
import { ProvideMissingTransactions } from './messages/job-declaration/provide-missing-transactions.ts';
import { ProvideMissingTransactionsSuccess } from './messages/job-declaration/provide-missing-transactions-success.ts';
import { PushSolution } from './messages/job-declaration/push-solution.ts';
import { CloseChannel } from './messages/mining/close-channel.ts';
import { NewExtendedMiningJob } from './messages/mining/new-extended-mining-job.ts';
import { NewMiningJob } from './messages/mining/new-mining-job.ts';
import { OpenExtendedMiningChannel } from './messages/mining/open-extended-mining-channel.ts';
import { OpenExtendedMiningChannelSuccess } from './messages/mining/open-extended-mining-channel-success.ts';
import { OpenMiningChannelError } from './messages/mining/open-mining-channel-error.ts';
import { OpenStandardMiningChannel } from './messages/mining/open-standard-mining-channel.ts';
import { OpenStandardMiningChannelSuccess } from './messages/mining/open-standard-mining-channel-success.ts';
import { SetCustomMiningJob } from './messages/mining/set-custom-mining-job.ts';
import { SetCustomMiningJobError } from './messages/mining/set-custom-mining-job-error.ts';
import { SetCustomMiningJobSuccess } from './messages/mining/set-custom-mining-job-success.ts';
import { SetExtranoncePrefix } from './messages/mining/set-extranonce-prefix.ts';
import { SetGroupChannel } from './messages/mining/set-group-channel.ts';
import { SetNewPrevHash } from './messages/mining/set-new-prev-hash.ts';
import { SetTarget } from './messages/mining/set-target.ts';
import { SubmitSharesError } from './messages/mining/submit-shares-error.ts';
import { SubmitSharesExtended } from './messages/mining/submit-shares-extended.ts';
import { SubmitSharesStandard } from './messages/mining/submit-shares-standard.ts';
import { SubmitSharesSuccess } from './messages/mining/submit-shares-success.ts';
import { UpdateChannel } from './messages/mining/update-channel.ts';
import { UpdateChannelError } from './messages/mining/update-channel-error.ts';
import { CoinbaseOutputConstraints } from './messages/template-distribution/coinbase-output-constraints.ts';
import { NewTemplate } from './messages/template-distribution/new-template.ts';
import { RequestTransactionData } from './messages/template-distribution/request-transaction-data.ts';
import { RequestTransactionDataError } from './messages/template-distribution/request-transaction-data-error.ts';
import { RequestTransactionDataSuccess } from './messages/template-distribution/request-transaction-data-success.ts';
import { TemplateSetNewPrevHash } from './messages/template-distribution/set-new-prev-hash.ts';
import { SubmitSolution } from './messages/template-distribution/submit-solution.ts';

/** Messages of every connection [sv2 3.6]. */
export const commonMessages: readonly Message[] = [
  SetupConnection,
  SetupConnectionSuccess,
  SetupConnectionError,
  ChannelEndpointChanged,
  Reconnect,
];

/** Messages of the mining protocol [sv2 5.3]. */
export const miningMessages: readonly Message[] = [
  OpenStandardMiningChannel,
  OpenStandardMiningChannelSuccess,
  OpenMiningChannelError,
  OpenExtendedMiningChannel,
  OpenExtendedMiningChannelSuccess,
  NewMiningJob,
  UpdateChannel,
  UpdateChannelError,
  CloseChannel,
  SetExtranoncePrefix,
  SubmitSharesStandard,
  SubmitSharesExtended,
  SubmitSharesSuccess,
  SubmitSharesError,
  NewExtendedMiningJob,
  SetNewPrevHash,
  SetTarget,
  SetCustomMiningJob,
  SetCustomMiningJobSuccess,
  SetCustomMiningJobError,
  SetGroupChannel,
];

/** Messages of the job declaration protocol [sv2 6.4]. */
export const jobDeclarationMessages: readonly Message[] = [
  AllocateMiningJobToken,
  AllocateMiningJobTokenSuccess,
  ProvideMissingTransactions,
  ProvideMissingTransactionsSuccess,
  DeclareMiningJob,
  DeclareMiningJobSuccess,
  DeclareMiningJobError,
  PushSolution,
];

/** Messages of the template distribution protocol [sv2 7]. */
export const templateDistributionMessages: readonly Message[] = [
  CoinbaseOutputConstraints,
  NewTemplate,
  TemplateSetNewPrevHash,
  RequestTransactionData,
  RequestTransactionDataSuccess,
  RequestTransactionDataError,
  SubmitSolution,
];

/** Messages of extension 0x0001 [ext 0x0001]. */
export const extensionMessages: readonly Message[] = [
  RequestExtensions,
  RequestExtensionsSuccess,
  RequestExtensionsError,
];

/** Every message of this package. */
export const messages: readonly Message[] = [
  ...commonMessages,
  ...miningMessages,
  ...jobDeclarationMessages,
  ...templateDistributionMessages,
  ...extensionMessages,
];

const byHeader: ReadonlyMap<number, Message> = new Map(
  messages.map((declared) => [key(declared.extensionType, declared.type), declared]),
);

/** The message of a frame header, or undefined for one that is to be ignored [sv2 3.4.1]; the channel bit is no part of it. */
export function messageOf(extensionType: number, msgType: number): Message | undefined {
  return byHeader.get(key(extensionType, msgType));
}

function key(extensionType: number, msgType: number): number {
  return ((extensionType & 0x7fff) << 8) | msgType;
}
